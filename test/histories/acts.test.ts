// Each act is done to a small world, and has its effect, or is refused by the guard that is there for it.

import { describe, expect, it } from 'vitest';
import { ACTS, EXCUSES, NothingToDo } from '../../src/histories/acts.ts';
import { zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import { NAMESPACE } from '../../src/histories/world.ts';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL } from '../../src/kubernetes/names.ts';
import { claims, mutatingWebhooks, namespaces, pods, statefulSets, validatingWebhooks, volumeAttachments, type PersistentVolumeClaim, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import { ended, phaseOf } from '../../src/migration/record.ts';
import { Refusal, type StoreEvent } from '../../src/simulation/apiserver/contract.ts';
import { SmallWorld } from './small-world.ts';

/** Every act here is also played by a test below. */
const tried = new Set<string>();

interface Play {
  world: SmallWorld;
  seen: StoreEvent[];
}

async function play(world: SmallWorld, name: string, lot = 0.5): Promise<Play> {
  tried.add(name);
  const seen: StoreEvent[] = [];
  world.simulated.server.follow(undefined, (event) => seen.push(event));
  await world.do(ACTS[name]?.perform(world, lot) ?? Promise.reject(new Error(`there is no act ${name}`)));
  return { world, seen };
}

/** On a set at rest, nothing of the product around. */
async function atRest(name: string, lot?: number): Promise<Play> {
  return play(await SmallWorld.begin(), name, lot);
}

const ALL_MOVE = { set: { policy: { zones: 'cn-test-b', 'health-duration': '5s', 'source-retention': '10m', 'snapshot-retention': '10m' } } };

/** While ordinals are on their way, with the guards in place. */
async function underWay(name: string, lot?: number): Promise<Play> {
  return play(await SmallWorld.inFlight(ALL_MOVE), name, lot);
}

function ofKind<T>(seen: StoreEvent[], kind: string, type?: StoreEvent['type']): T[] {
  return seen.filter((event) => event.resource.kind === kind && (type === undefined || event.type === type)).map(({ object }) => object as T);
}

function replicas(seen: StoreEvent[]): number[] {
  return ofKind<StatefulSet>(seen, 'StatefulSet').map(({ spec }) => spec.replicas ?? 1);
}

describe('acts on sets', () => {
  it.each(['scale up', 'scale up by the scale subresource'])('%s', async (name) => {
    expect(Math.max(...replicas((await atRest(name)).seen))).toBeGreaterThan(3);
  });

  it.each(['scale down', 'scale down by the scale subresource', 'scale to zero'])('%s', async (name) => {
    expect(Math.min(...replicas((await atRest(name)).seen))).toBeLessThan(3);
  });

  it('scale to zero is for a while only', async () => {
    const { world } = await atRest('scale to zero');
    await world.simulated.pass(90_000);
    expect(world.set?.spec.replicas).toBe(3);
    expect(world.ready()).toBe(3);
  });

  it('gives the claims up where the set deletes them', async () => {
    const { world } = await play(await SmallWorld.begin({ set: { claimRetention: { whenDeleted: 'Retain', whenScaled: 'Delete' } } }), 'scale to zero');
    expect([...world.excuses].toSorted()).toEqual([0, 1, 2].map((ordinal) => EXCUSES.claimGivenUp(`data-web-${ordinal}`)));
  });

  it.each(['roll out', 'roll out in part'])('%s', async (name) => {
    const { world } = await atRest(name);
    const before = world.set?.status?.updateRevision;
    await world.simulated.pass(20_000);
    expect(world.set?.status?.updateRevision).not.toBe(before);
  });

  it('change the claim retention', async () => {
    expect((await atRest('change the claim retention')).world.set?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled).toBe('Delete');
  });

  it('change the first ordinal', async () => {
    expect((await atRest('change the first ordinal')).world.set?.spec.ordinals?.start).toBe(1);
  });

  it.each(['delete the set', 'delete the set in the foreground', 'orphan the pods', 'replace the set'])('%s: another one of its name follows', async (name) => {
    const world = await SmallWorld.begin();
    const before = world.set?.metadata.uid;
    await play(world, name);
    await world.simulated.pass(120_000);
    expect(world.set?.metadata.uid).not.toBe(before);
    expect(world.set?.metadata.annotations?.['zonespread.io/zones']).toBe('cn-test-a,cn-test-b');
    expect(world.ready()).toBe(3);
    expect(world.excuses).toContain(EXCUSES.setDeleted('web'));
  });

  it.each(['scale to zero', 'delete the set', 'orphan the pods', 'change the claim retention', 'change the first ordinal'])('%s is refused while an ordinal is under way', async (name) => {
    await expect(underWay(name)).rejects.toThrow(Refusal);
  });
});

describe('acts on pods and nodes', () => {
  it.each(['delete a pod', 'force-delete a pod', 'evict a pod'])('%s: another one comes', async (name) => {
    const { world, seen } = await atRest(name);
    await world.simulated.pass(30_000);
    expect(ofKind(seen, 'Pod', 'DELETED')).toHaveLength(1);
    expect(world.ready()).toBe(3);
  });

  it('cordon a node, for a while', async () => {
    const { world, seen } = await atRest('cordon a node');
    expect(ofKind<{ spec: { unschedulable?: boolean } }>(seen, 'Node').some(({ spec }) => spec.unschedulable === true)).toBe(true);
    await world.simulated.pass(130_000);
    expect(ofKind<{ spec: { unschedulable?: boolean } }>(seen, 'Node').at(-1)?.spec.unschedulable).toBeFalsy();
  });

  it('drain a node', async () => {
    const { seen } = await atRest('drain a node');
    expect(ofKind(seen, 'Pod', 'DELETED').length).toBeGreaterThan(0);
  });

  it('a sibling turns unready, and Ready again', async () => {
    const { world, seen } = await underWay('a sibling turns unready');
    await world.simulated.pass(100_000);
    const moving = world.records().map(({ spec }) => `web-${spec.ordinal}`)[0];
    expect(ofKind<{ metadata: { name: string } }>(seen, 'Pod').some((pod) => pod.metadata.name !== moving && !isTrue(pod as never, 'Ready'))).toBe(true);
    expect(world.simulated.server.readAll(pods, { namespace: NAMESPACE }).length).toBe(3);
  });
});

describe('acts on claims and volumes', () => {
  it('delete a claim: it goes when its pod goes', async () => {
    const { world, seen } = await atRest('delete a claim');
    const [claim] = ofKind<PersistentVolumeClaim>(seen, 'PersistentVolumeClaim');
    expect(claim?.metadata.deletionTimestamp).toBeDefined();
    expect(world.excuses).toContain(EXCUSES.claimGivenUp(claim?.metadata.name ?? ''));
  });

  it('delete a claim over the guard, which then lets it go', async () => {
    const { world } = await underWay('delete a claim over the guard');
    expect([...world.excuses].some((excuse) => excuse.startsWith('guard overridden'))).toBe(true);
  });

  it('expand a claim', async () => {
    const { seen } = await atRest('expand a claim');
    expect(ofKind<PersistentVolumeClaim>(seen, 'PersistentVolumeClaim').some(({ spec }) => spec.resources?.requests?.['storage'] !== '20Gi')).toBe(true);
  });

  it('label a claim and its volume', async () => {
    const { seen } = await atRest('label a claim and its volume');
    for (const kind of ['PersistentVolumeClaim', 'PersistentVolume']) expect(ofKind<PersistentVolumeClaim>(seen, kind).at(-1)?.metadata.labels?.['team']).toMatch(/team-/);
  });

  it('take our labels off is refused while the guard stands', async () => {
    const world = await SmallWorld.inFlight(ALL_MOVE);
    await world.run(() => world.moves()[0]?.status?.step === 'detach');
    await expect(play(world, 'take our labels off', 0.7)).rejects.toThrow('belongs to the move');
  });

  it.each([
    ['take finalizers off a claim', 'PersistentVolumeClaim'],
    ['take finalizers off a volume', 'PersistentVolume'],
  ])('%s', async (name, kind) => {
    const { seen } = await atRest(name);
    expect(ofKind<PersistentVolumeClaim>(seen, kind).some(({ metadata }) => (metadata.finalizers ?? []).length === 0)).toBe(true);
  });

  it('change a reclaim policy', async () => {
    const { seen } = await atRest('change a reclaim policy');
    expect(ofKind<{ spec: { persistentVolumeReclaimPolicy: string } }>(seen, 'PersistentVolume')[0]?.spec.persistentVolumeReclaimPolicy).toBe('Retain');
  });

  it('delete a volume', async () => {
    const { seen } = await atRest('delete a volume');
    expect(ofKind<PersistentVolumeClaim>(seen, 'PersistentVolume')[0]?.metadata.deletionTimestamp).toBeDefined();
  });

  it('make a volume for the same disk, which goes again', async () => {
    const { world, seen } = await underWay('make a volume for the same disk');
    const made = ofKind<PersistentVolumeClaim>(seen, 'PersistentVolume', 'ADDED').find(({ metadata }) => metadata.name.startsWith('by-hand-'));
    expect(world.excuses).toContain(EXCUSES.volumeMadeByHand(made?.metadata.name ?? ''));
    await world.simulated.pass(130_000);
    expect(ofKind<PersistentVolumeClaim>(seen, 'PersistentVolume', 'DELETED').map(({ metadata }) => metadata.name)).toContain(made?.metadata.name);
  });

  it('hostile StatefulSet controller: the claim that we delete is there again in the same moment, and the move comes through', async () => {
    const world = await SmallWorld.inFlight(ALL_MOVE);
    const gaps: number[] = [];
    let goneAt = 0;
    world.simulated.server.follow(claims, ({ type }) => {
      if (type === 'DELETED') goneAt = world.simulated.clock.monotonic();
      if (type === 'ADDED' && goneAt > 0) gaps.push(world.simulated.clock.monotonic() - goneAt);
    });
    await play(world, 'hostile StatefulSet controller');
    await world.run(() => world.records().some((record) => phaseOf(record) === 'Succeeded'));
    expect(gaps[0]).toBe(0);
  });
});

describe('acts on records', () => {
  it('ask to abort: it is undone', async () => {
    const { world } = await underWay('ask to abort', 0.2);
    await world.run(() => world.records().some((record) => ['RolledBack', 'Failed'].includes(phaseOf(record))));
  });

  it.each([
    ['ask to reverse', []],
    ['ask to restore the source', [expect.stringContaining('restore-source asked for: web-')]],
  ] as [string, unknown[]][])('%s, once the new disk is in use', async (name, excuses) => {
    const set = { policy: { ...ALL_MOVE.set.policy, 'health-duration': '60s' } };
    const { world } = await play(await SmallWorld.inFlight({ set }), name);
    await world.run(() => world.records().some((record) => phaseOf(record) === 'RolledBack'));
    expect([...world.excuses]).toEqual(excuses);
  });

  it.each(['ask to release', 'ask to resume'])('%s a frozen move', async (name) => {
    const set = { policy: { ...ALL_MOVE.set.policy, 'ready-timeout': '5s' } };
    const world = await SmallWorld.inFlight({ set });
    const heal = world.simulated.behaviour.neverReady({ zone: 'cn-test-b' });
    await world.run(() => world.records().some((record) => phaseOf(record) === 'Frozen'));
    heal();
    await play(world, name);
    await world.run(() => world.records().some((record) => ended(record)));
    expect(world.excuses.size).toBe(name === 'ask to release' ? 1 : 0);
  });

  it('ask for anything: it is answered, and taken off', async () => {
    const { world, seen } = await underWay('ask for anything');
    const asked = ofKind<StatefulSet>(seen, 'OrdinalMigration').at(0)?.metadata;
    expect(asked?.annotations?.['zonespread.io/request']).toBeDefined();
    await world.run(() => world.records().every(({ metadata }) => metadata.annotations?.['zonespread.io/request'] === undefined));
  });

  it.each(['delete a record in flight', "write a record's status"])('%s is refused', async (name) => {
    await expect(underWay(name)).rejects.toThrow(Refusal);
  });

  it("take a record's finalizer off is refused in flight", async () => {
    await expect(underWay("take a record's finalizer off")).rejects.toThrow(Refusal);
  });

  it('delete an ended record', async () => {
    const { world } = await underWay('delete an ended record');
    expect([...world.excuses][0]).toMatch(/^record released: web-/);
  });

  it('make a record by hand', async () => {
    const { world } = await underWay('make a record by hand', 0.7);
    expect(world.records().some(({ metadata }) => metadata.name.startsWith('by-hand-'))).toBe(true);
  });

  it('make a record by hand of an ordinal that is on its way, which is refused', async () => {
    await expect(underWay('make a record by hand', 0.5)).rejects.toThrow('is already about ordinal 2 of web');
  });
});

describe('acts on policies', () => {
  const ANNOTATION = 'zonespread.io/';

  it.each([
    ['pause the set', 'paused', 'true', undefined],
    ['disable the set', 'mode', 'disabled', undefined],
    ['switch the set off', 'zones', undefined, 'cn-test-b'],
  ])('%s, for a while', async (name, key, during, after) => {
    const { world } = await underWay(name);
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}${key}`]).toBe(during);
    await world.simulated.pass(130_000);
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}${key}`]).toBe(after);
  });

  it('take a zone out', async () => {
    const world = await SmallWorld.inFlight();
    await play(world, 'take a zone out');
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}zones`]).toMatch(/^cn-test-[ab]$/);
  });

  it('change the terms, pin an ordinal', async () => {
    const { world } = await underWay('change the terms');
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}max-skew`]).toBeDefined();
    await play(world, 'pin an ordinal');
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}pin`]).toMatch(/^\d=cn-test-b$/);
  });

  it('declare nonsense is refused', async () => {
    await expect(underWay('declare nonsense')).rejects.toThrow(Refusal);
  });

  it('plan and approve: what was approved runs', async () => {
    const { world } = await underWay('plan and approve');
    expect(world.set?.metadata.annotations?.[`${ANNOTATION}approve`]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('approve the plan of a set that only plans', async () => {
    const world = await SmallWorld.begin({ set: { policy: { ...ALL_MOVE.set.policy, mode: 'plan' } } });
    await world.do(world.startWebhook().ready);
    world.startDaemon();
    await world.annotate();
    await play(world, 'approve the plan');
    await world.run(() => world.moves().length > 0);
  });

  it('set a quota, and lift it', async () => {
    const { world, seen } = await underWay('set a quota');
    await world.simulated.pass(130_000);
    expect(ofKind(seen, 'ResourceQuota', 'ADDED')).toHaveLength(1);
    expect(ofKind(seen, 'ResourceQuota', 'DELETED')).toHaveLength(1);
  });
});

describe('evacuations', () => {
  it.each([
    ['for a while', 0.9, []],
    ['for good', 0.5, ['cn-test-b']],
  ])('evacuate a zone, %s', async (_, lot, left) => {
    const { world, seen } = await underWay('evacuate a zone', lot);
    expect(ofKind(seen, 'ZoneEvacuation', 'ADDED')).toHaveLength(1);
    await world.simulated.pass(310_000);
    expect(world.simulated.server.readAll(zoneEvacuations).map(({ spec }) => spec.zone)).toEqual(left);
  });
});

describe('acts at the cloud', () => {
  it.each(['attach the source disk by hand', 'attach the target disk by hand'])('%s, and detach it, unless a pod has it there by then', async (name) => {
    const { world } = await underWay(name);
    const { ecs, server } = world.simulated;
    const id = [...world.excuses][0]?.replace('disk attached by hand: ', '') ?? '';
    expect(['Attaching', 'In_use']).toContain(ecs.disk(id)?.status);
    const node = ecs.disk(id)?.attachments[0]?.instanceId.replace(/^i-/, '');
    await world.simulated.pass(90_000);
    const isDetached = ecs.history().some((entry) => entry.id === id && entry.event === 'Detaching');
    const isWanted = server.readAll(volumeAttachments).some(({ spec }) => spec.nodeName === node && spec.source.persistentVolumeName === id);
    expect({ isDetached, isWanted }).toEqual({ isDetached: !isWanted, isWanted: name.includes('target') });
  });

  it('delete a snapshot in the cloud', async () => {
    const { world } = await underWay('delete a snapshot in the cloud');
    expect(world.simulated.ecs.snapshots({ deleted: true }).map(({ id }) => EXCUSES.deletedInCloud(id))).toEqual([...world.excuses]);
  });

  it('delete a target disk, a retained source disk in the cloud', async () => {
    for (const name of ['delete a target disk in the cloud', 'delete a retained source disk in the cloud']) {
      const { world } = await underWay(name);
      expect(world.simulated.ecs.disks({ deleted: true }).map(({ id }) => EXCUSES.deletedInCloud(id))).toEqual([...world.excuses]);
    }
  });

  it('take an automatic snapshot', async () => {
    const { world } = await atRest('take an automatic snapshot');
    expect(world.simulated.ecs.snapshots()).toHaveLength(1);
  });
});

describe('acts on admission', () => {
  it('delete the webhook configurations: they are there again soon', async () => {
    const { world, seen } = await underWay('delete the webhook configurations');
    await world.simulated.pass(30_000);
    expect(seen.some(({ type, resource }) => type === 'DELETED' && resource.kind.endsWith('WebhookConfiguration'))).toBe(true);
    for (const kind of [mutatingWebhooks, validatingWebhooks]) expect(world.simulated.server.read(kind, { name: 'zonespread' })).toBeDefined();
  });

  it('take the in-flight label off', async () => {
    const { seen } = await underWay('take the in-flight label off');
    expect(ofKind<StatefulSet>(seen, 'Namespace')[0]?.metadata.labels?.[IN_FLIGHT_LABEL]).toBeUndefined();
  });

  it('label the namespace', async () => {
    const { world } = await atRest('label the namespace');
    expect(world.simulated.server.read(namespaces, { name: NAMESPACE })?.metadata.labels?.['team']).toMatch(/team-/);
  });
});

describe('acts', () => {
  it('say so when there is nothing to do', async () => {
    const world = await SmallWorld.begin();
    await expect(play(world, 'ask to abort')).rejects.toThrow(NothingToDo);
    world.troubled = false;
    await expect(play(world, 'ask to release')).rejects.toThrow(NothingToDo);
    await world.do(world.admin.delete(statefulSets, { namespace: NAMESPACE, name: 'web' }));
    await expect(play(world, 'scale up')).rejects.toThrow(NothingToDo);
  });

  it('are all tried here', () => expect(Object.keys(ACTS).filter((name) => !tried.has(name))).toEqual([]));

  it('leave no label of ours on what they make', async () => {
    const { world } = await atRest('expand a claim');
    expect(world.simulated.server.readAll(claims).filter(({ metadata }) => metadata.labels?.[MIGRATION_LABEL] !== undefined)).toEqual([]);
  });
});
