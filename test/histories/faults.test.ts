// Each fault strikes, is counted when it does, and heals.

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS, type FaultKind } from '../../src/histories/faults.ts';
import { API_FAULTS } from '../../src/histories/faults/api.ts';
import { CLOUD_FAULTS } from '../../src/histories/faults/cloud.ts';
import { CONTROL_PLANE_FAULTS } from '../../src/histories/faults/control-plane.ts';
import { NODE_FAULTS } from '../../src/histories/faults/nodes.ts';
import { PROCESS_FAULTS } from '../../src/histories/faults/processes.ts';
import { WATCH_FAULTS } from '../../src/histories/faults/watches.ts';
import { WEBHOOK_FAULTS } from '../../src/histories/faults/webhook.ts';
import { nodes } from '../../src/kubernetes/objects.ts';
import { MIGRATION_LABEL } from '../../src/kubernetes/names.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import type { EcsAction } from '../../src/ports/ecs-call.ts';
import type { HttpRequest } from '../../src/ports/http.ts';
import { ADMIN } from '../../src/simulation/apiserver/contract.ts';
import { faultyHttp, type Fault } from '../../src/simulation/apiserver/faults.ts';
import { configMaps } from '../../src/simulation/apiserver/kinds/built-in.ts';
import type { Controllers } from '../../src/simulation/cluster.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { SmallWorld } from './small-world.ts';

const READ: HttpRequest = { method: 'GET', path: '/api/v1/namespaces/shop/pods/web-0' };
const WRITE: HttpRequest = { method: 'PATCH', path: '/api/v1/namespaces/shop/pods/web-0', body: '{}' };
const WATCH: HttpRequest = { method: 'GET', path: '/api/v1/pods?watch=1&resourceVersion=7' };

/** For whom the world does not matter. */
const NO_WORLD = undefined as never;

function askedFor(kind: FaultKind | undefined, request: HttpRequest): Fault | undefined {
  return kind?.api?.(request, new SeededRandom(5), NO_WORLD);
}

describe('faults of single requests', () => {
  const expected: Record<string, Partial<Fault>> = {
    conflict: { kind: 'refuse', code: 409 },
    'too many requests': { kind: 'refuse', code: 429 },
    'internal error': { kind: 'refuse', code: 500 },
    unavailable: { kind: 'refuse', code: 503 },
    'gateway timeout': { kind: 'refuse', code: 504 },
    'internal error after the effect': { kind: 'wrong answer', code: 500 },
    'unavailable after the effect': { kind: 'wrong answer', code: 503 },
    'gateway timeout after the effect': { kind: 'wrong answer', code: 504 },
    'connection refused': { kind: 'lost request' },
    'lost answer': { kind: 'lost answer' },
    'slow answer': { kind: 'delay' },
    'black hole': { kind: 'black hole' },
    'black hole after the effect': { kind: 'silence after' },
  };

  it('are all of them', () => expect(Object.keys(API_FAULTS).toSorted()).toEqual(Object.keys(expected).toSorted()));

  it.each(Object.entries(expected))('%s', (name, fault) => {
    expect(askedFor(FAULTS[name], WRITE)).toMatchObject(fault);
    expect(askedFor(FAULTS[name], WATCH)).toBeUndefined();
  });

  it('tell a client how long to wait', () => {
    expect(askedFor(FAULTS['too many requests'], READ)).toMatchObject({ retryAfterSeconds: expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 5) });
  });

  it('lose the effect of writes only: a read would only be asked again', () => {
    expect(askedFor(FAULTS['lost answer'], READ)).toBeUndefined();
    expect(askedFor(FAULTS['lost answer'], { ...WRITE, path: `${WRITE.path}?dryRun=All` })).toBeUndefined();
  });

  it('leave most of what is said about the lease alone', () => {
    const random = new SeededRandom(1);
    const lease = { ...WRITE, path: '/apis/coordination.k8s.io/v1/namespaces/zonespread-system/leases/zonespread' };
    const struck = Array.from({ length: 200 }, () => FAULTS['lost answer']?.api?.(lease, random, NO_WORLD)).filter((fault) => fault !== undefined);
    expect(struck.length).toBeGreaterThan(2);
    expect(struck.length).toBeLessThan(60);
  });
});

describe('faults of watches', () => {
  const expected: Record<string, Partial<Fault>> = {
    'watch broken': { kind: 'cut', how: 'break' },
    'watch ended': { kind: 'cut', how: 'end' },
    'watch silent': { kind: 'fall silent' },
    'watch expired': { kind: 'expired' },
    'watch late': { kind: 'lag' },
  };

  it('are all of them', () => expect(Object.keys(WATCH_FAULTS).toSorted()).toEqual([...Object.keys(expected), 'every watch cut', 'compaction'].toSorted()));

  it.each(Object.entries(expected))('%s', (name, fault) => {
    expect(askedFor(FAULTS[name], WATCH)).toMatchObject(fault);
    expect(askedFor(FAULTS[name], WRITE)).toBeUndefined();
  });
});

describe('a late watch', () => {
  it('tells everything, in order, and all of it so much later', async () => {
    const world = await SmallWorld.begin();
    const { simulated, admin } = world;
    const { clock, server } = simulated;
    const http = faultyHttp(simulated.http(ADMIN), { clock, faultOf: () => ({ kind: 'lag', ms: 5_000 }) });
    const heard: { at: number; name: string }[] = [];
    const ended = new AbortController();
    const answer = await world.do(http.send({ method: 'GET', path: `/api/v1/configmaps?watch=1&resourceVersion=${server.version}`, signal: ended.signal }));
    const listening = (async () => {
      for await (const piece of answer.body) {
        for (const line of new TextDecoder().decode(piece).trim().split('\n')) heard.push({ at: clock.monotonic(), name: (JSON.parse(line) as { object: { metadata: { name: string } } }).object.metadata.name });
      }
    })();
    const made: { at: number; name: string }[] = [];
    for (const name of ['first', 'second', 'third']) {
      await world.do(admin.create(configMaps, { metadata: { name, namespace: 'shop' } }));
      made.push({ at: clock.monotonic(), name });
      await simulated.pass(700);
    }
    await simulated.pass(10_000);
    expect(heard).toEqual(made.map(({ at, name }) => ({ at: at + 5_000, name })));
    ended.abort();
    await world.do(Promise.allSettled([listening]));
  });
});

describe('faults that last or strike again', () => {
  let world: SmallWorld;
  const tried = new Set<string>();
  /** Long enough to strike, as its chance is 1. */
  const STRIKES_MS = 40_000;

  beforeAll(async () => {
    world = await SmallWorld.inFlight({ set: { policy: { zones: 'cn-test-a,cn-test-b', 'health-duration': '600s', 'ready-timeout': '1200s' } } });
  }, 60_000);

  afterEach(() => {
    expect(world.simulated.ecs.faults.list()).toEqual([]);
  });

  async function suffers(name: string, during: () => Promise<void> = () => world.simulated.pass(STRIKES_MS)): Promise<void> {
    tried.add(name);
    const before = world.struck(name);
    const heal = world.suffer(name);
    await during();
    await heal();
    expect(world.struck(name), name).toBeGreaterThan(before);
  }

  it.each(['every watch cut', 'compaction'])('%s: the daemon goes on', async (name) => {
    await suffers(name);
    await world.simulated.pass(90_000);
    expect(world.daemons).toHaveLength(1);
  });

  it('controllers sluggish', async () => {
    const calm = world.simulated.pace.settings;
    await suffers('controllers sluggish', () => Promise.resolve(expect(world.simulated.pace.settings.watch[1]).toBeGreaterThanOrEqual(500)));
    expect(world.simulated.pace.settings).toBe(calm);
  });

  it('admission behind', async () => {
    await suffers('admission behind', () => Promise.resolve(expect(Math.max(...Array.from({ length: 20 }, world.switches.informerLagMs))).toBeGreaterThan(50)));
    expect(world.switches.informerLagMs()).toBe(0);
  });

  it.each([
    ['provisioner slow', 'provisioner'],
    ['attacher slow', 'attacher'],
    ['attach-detach controller slow', 'attachDetach'],
    ['StatefulSet controller slow', 'statefulSet'],
    ['scheduler slow', 'scheduler'],
    ['binder slow', 'binder'],
  ] as [string, keyof Controllers][])('%s', async (name, controller) => {
    const seen: string[] = [];
    Object.assign(world.simulated.controllers[controller], { pause: () => seen.push('paused'), resume: () => seen.push('resumed') });
    await suffers(name, () => world.simulated.pass(130_000));
    for (const own of ['pause', 'resume']) Reflect.deleteProperty(world.simulated.controllers[controller], own);
    expect(seen.slice(0, 2)).toEqual(['paused', 'resumed']);
  });

  it('webhook down, and up again when it heals', async () => {
    await suffers('webhook down', () => Promise.resolve(expect(world.embedded.webhook?.alive).toBe(false)));
    expect(world.embedded.webhook?.alive).toBe(true);
  });

  it.each(['webhook flapping', 'webhook restarted'])('%s: another one runs afterwards', async (name) => {
    const before = world.embedded.webhook;
    await suffers(name, () => world.simulated.pass(120_000));
    await world.simulated.pass(20_000);
    expect(world.embedded.webhook).not.toBe(before);
    expect(world.embedded.webhook?.alive).toBe(true);
  });

  it('webhook slow', async () => {
    await suffers('webhook slow', () => Promise.resolve(expect(Math.max(...Array.from({ length: 50 }, world.switches.reviewDelayMs))).toBeGreaterThan(10)));
    expect(world.switches.reviewDelayMs()).toBe(0);
  });

  it('webhook behind', () => suffers('webhook behind', () => world.simulated.pass(120_000)));

  it.each(['daemon killed', 'daemon restarted'])('%s', async (name) => {
    if (world.daemons.length === 0) world.startDaemon();
    const [daemon] = world.daemons;
    await suffers(name, () => world.simulated.pass(60_000));
    expect(daemon?.alive).toBe(false);
    if (world.daemons.length === 0) world.startDaemon();
  });

  it.each(['daemon killed before a request', 'daemon killed after the effect'])('%s', (name) => {
    tried.add(name);
    for (const daemon of world.daemons) daemon.kill();
    const daemon = world.startDaemon();
    expect(FAULTS[name]?.api?.(READ, world.random, world)).toBeUndefined();
    expect(daemon.alive).toBe(true);
    expect(FAULTS[name]?.api?.(WRITE, world.random, world)).toEqual({ kind: name.endsWith('effect') ? 'lost answer' : 'lost request' });
    expect(daemon.alive).toBe(false);
    world.startDaemon();
  });

  it('daemon killed at a record', async () => {
    const [record] = world.records();
    await suffers('daemon killed at a record', async () => {
      await world.do(world.admin.mergePatch(ordinalMigrations, { namespace: 'shop', name: record?.metadata.name ?? '' }, { metadata: { annotations: { seen: 'yes' } } }));
    });
    expect(world.daemons).toHaveLength(0);
    world.startDaemon();
  });

  it('daemon killed at a cloud call', async () => {
    const disk = world.simulated.ecs.addDisk({ zone: 'cn-test-a' });
    await suffers('daemon killed at a cloud call', async () => {
      await world.do(world.simulated.ecs.call('DeleteDisk', { DiskId: disk }));
    });
    expect(world.daemons).toHaveLength(0);
    world.startDaemon();
  });

  it('daemon paused', async () => {
    await suffers('daemon paused', () => world.simulated.pass(300_000));
    await world.simulated.pass(130_000);
    if (world.daemons.length === 0) world.startDaemon();
  });

  it('second daemon, which leaves with the window', async () => {
    const before = world.daemons.length;
    await suffers('second daemon', async () => {
      await world.simulated.pass(5_000);
      expect(world.daemons).toHaveLength(before + 1);
    });
    expect(world.daemons).toHaveLength(before);
  });

  it('node lost: another one comes in its zone', async () => {
    const before = world.simulated.nodeNames();
    await suffers('node lost', () => world.simulated.pass(90_000));
    await world.simulated.pass(70_000);
    const zones = world.simulated.server.readAll(nodes).map(({ metadata }) => metadata.labels?.['topology.kubernetes.io/zone']);
    expect(world.simulated.nodeNames()).not.toEqual(before);
    expect(zones.map((zone) => zone ?? '').toSorted((left, right) => left.localeCompare(right))).toEqual(['cn-test-a', 'cn-test-a', 'cn-test-b', 'cn-test-b']);
  });

  it('kubelet silent, and back', async () => {
    const notReady = new Set<string>();
    const unfollow = world.simulated.server.follow(nodes, ({ object }) => !isTrue(object, 'Ready') && notReady.add(object.metadata.name));
    await suffers('kubelet silent', () => world.simulated.pass(140_000));
    await world.simulated.pass(130_000);
    unfollow();
    expect(notReady.size).toBeGreaterThan(0);
    expect(world.simulated.server.readAll(nodes).filter((node) => !isTrue(node, 'Ready'))).toEqual([]);
  });

  it.each(['volumes kept in use', 'pod never ready', 'pod does not end'])('%s, for a while', async (name) => {
    await suffers(name, () => world.simulated.pass(300_000));
  });

  it('pods slow to stop, and to start', async () => {
    const place = { namespace: 'shop', name: 'web-0', node: 'node-a1', zone: 'cn-test-a' };
    const usual = world.simulated.behaviour.timingsOf(place);
    for (const [name, key] of [['pods slow to stop', 'stopMs'], ['pods slow to start', 'bootMs']] as const) {
      await suffers(name, () => Promise.resolve(expect(world.simulated.behaviour.timingsOf(place)[key]).toBeGreaterThanOrEqual(500)));
    }
    expect(world.simulated.behaviour.timingsOf(place)).toEqual(usual);
  });

  it('are all of them', () => {
    const all = [CONTROL_PLANE_FAULTS, WEBHOOK_FAULTS, PROCESS_FAULTS, NODE_FAULTS].flatMap((group) => Object.keys(group));
    expect([...tried].toSorted()).toEqual([...all, 'every watch cut', 'compaction'].toSorted());
  });
});

describe('faults of the cloud', () => {
  let world: SmallWorld;
  const DISK = { ZoneId: 'cn-test-a', DiskCategory: 'cloud_essd', Size: 20, Tag: [{ Key: MIGRATION_LABEL, Value: 'some' }] };
  const LOST = { error: /ReadTimeout|hang up/ };
  const calls: Record<string, { actions?: EcsAction[]; error?: RegExp }> = {
    'cloud throttled': { error: /Throttling/ },
    'cloud unavailable': { error: /ServiceUnavailable/ },
    'cloud internal error': { error: /InternalError/ },
    'cloud internal error after the effect': { error: /InternalError/ },
    'cloud answer timed out': LOST,
    'cloud call timed out': LOST,
    'cloud answer reset': LOST,
    'cloud call reset': LOST,
    'cloud answer broken': { error: /JSON/ },
    'cloud slow': {},
    'attach slow': { actions: ['AttachDisk', 'DetachDisk'] },
    'tags late': {},
    'lists late': {},
    'token amnesia': {},
    'create lost': { ...LOST, actions: ['CreateDisk', 'CreateSnapshot'] },
    'snapshot fails': { actions: ['CreateSnapshot'] },
    'snapshot stuck': { actions: ['CreateSnapshot'] },
    'disk stuck creating': {},
    'disk stuck attaching': { actions: ['AttachDisk'] },
    'disk stuck detaching': { actions: ['DetachDisk'] },
    'disk quota': { error: /QuotaExceed/ },
    'snapshot quota': { actions: ['CreateSnapshot'], error: /QuotaExceed/ },
    'zone sold out midway': { error: /Zone|OnSale|NotSupported/ },
  };

  beforeAll(async () => {
    world = await SmallWorld.begin();
  }, 60_000);

  it('are all of them', () => expect(Object.keys(CLOUD_FAULTS).toSorted()).toEqual([...Object.keys(calls), 'zone sold out'].toSorted()));

  it.each(Object.entries(calls))('%s', async (name, { actions = ['CreateDisk'], error = /^done$/ }) => {
    const heal = world.suffer(name);
    const answers: string[] = [];
    for (const action of actions) answers.push(await answerTo(action, await parametersOf(action)));
    await heal();
    expect(answers.filter((answer) => error.test(answer)).length).toBeGreaterThan(0);
    expect(world.struck(name)).toBeGreaterThan(0);
    expect(world.simulated.ecs.faults.list()).toEqual([]);
    await world.simulated.pass(150_000);
    expect(world.simulated.ecs.disks().filter(({ status }) => !['Available', 'In_use'].includes(status))).toEqual([]);
    expect(await answerTo('CreateDisk', await parametersOf('CreateDisk'))).toBe('done');
  });

  it('zone sold out, and back on sale', async () => {
    const before = world.simulated.ecs.zones();
    const heal = world.suffer('zone sold out');
    expect(world.simulated.ecs.zones().filter(({ onSale }) => onSale.length === 0)).toHaveLength(1);
    await heal();
    expect(world.simulated.ecs.zones()).toEqual(before);
    expect(world.struck('zone sold out')).toBe(1);
  });

  it('strike nobody: then they are not counted', async () => {
    const before = world.struck('snapshot fails');
    await world.suffer('snapshot fails')();
    expect(world.struck('snapshot fails')).toBe(before);
  });

  async function answerTo(action: EcsAction, parameters: Record<string, unknown>): Promise<string> {
    return world.do(world.simulated.ecs.call(action, parameters)).then(() => 'done', (error: Error) => error.message);
  }

  async function parametersOf(action: EcsAction): Promise<Record<string, unknown>> {
    const { ecs } = world.simulated;
    if (action === 'CreateDisk') return { RegionId: 'cn-test', ...DISK };
    if (action === 'AttachDisk') return { DiskId: ecs.addDisk({ zone: 'cn-test-a' }), InstanceId: 'i-node-a1' };
    if (action === 'CreateSnapshot') return { DiskId: ecs.addDisk({ zone: 'cn-test-a', attachedAt: 1 }), Tag: DISK.Tag };
    const DiskId = ecs.addDisk({ zone: 'cn-test-a' });
    await world.do(ecs.call('AttachDisk', { DiskId, InstanceId: 'i-node-a2' }));
    await world.simulated.pass(1_000);
    return { DiskId, InstanceId: 'i-node-a2' };
  }
});
