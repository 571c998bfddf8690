// Each invariant speaks up when what it is there for happens, and is silent while all goes as it must.

import { describe, expect, it } from 'vitest';
import { EXCUSES } from '../../src/histories/acts/excuses.ts';
import { INVARIANTS } from '../../src/histories/invariants/all.ts';
import { deletionsAreDue } from '../../src/histories/invariants/deletions.ts';
import { endingsAreTrue } from '../../src/histories/invariants/endings.ts';
import { epochsGrow } from '../../src/histories/invariants/epochs.ts';
import { evacuationsHold } from '../../src/histories/invariants/evacuations.ts';
import { podsGoGently } from '../../src/histories/invariants/gentle-removal.ts';
import { ADMIN, type RequestRecord } from '../../src/simulation/apiserver/contract.ts';
import { writesAreAsRead } from '../../src/histories/invariants/as-read.ts';
import { handsOff } from '../../src/histories/invariants/hands-off.ts';
import { fewInFlight } from '../../src/histories/invariants/in-flight.ts';
import { intentComesFirst } from '../../src/histories/invariants/intent-first.ts';
import { disksOfMovesStay } from '../../src/histories/invariants/kept-disks.ts';
import { nothingLeaks } from '../../src/histories/invariants/leaks.ts';
import { startsHaveLineage } from '../../src/histories/invariants/lineage.ts';
import { noWriteIsLost } from '../../src/histories/invariants/lost-writes.ts';
import { labelsStay } from '../../src/histories/invariants/labels-stay.ts';
import { marksGo } from '../../src/histories/invariants/marks-go.ts';
import { oneDiskAttached } from '../../src/histories/invariants/one-disk-attached.ts';
import { oneVolumePerHandle } from '../../src/histories/invariants/one-volume-per-handle.ts';
import { podsRun } from '../../src/histories/invariants/pods-run.ts';
import { recordsEnd } from '../../src/histories/invariants/records-end.ts';
import { spreadIsKept } from '../../src/histories/invariants/spread-kept.ts';
import { noStaleDiskAttached } from '../../src/histories/invariants/stale-disks.ts';
import { volumesGoAlone } from '../../src/histories/invariants/volume-deletions.ts';
import type { HistoryPlan } from '../../src/histories/plan.ts';
import { play } from '../../src/histories/play.ts';
import { NAMESPACE } from '../../src/histories/world.ts';
import { CLUSTER_TAG, GATE, IN_FLIGHT_LABEL, MIGRATION_LABEL, ROLE_LABEL } from '../../src/kubernetes/names.ts';
import { namespaces, pods, statefulSets, volumes, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { placeholderName } from '../../src/migration/reservation/placeholder.ts';
import { spreadReports, type SpreadReportStatus } from '../../src/controller/spread-report.ts';
import { zoneEvacuations, type ZoneEvacuation, type ZoneEvacuationStatus } from '../../src/controller/zone-evacuation.ts';
import { CALM } from '../../src/simulation/controllers/pace.ts';
import { CLAIM, InvariantStage, part } from './invariants-stage.ts';

const POD = 'shop/web-1';
const AT = '2026-11-20T10:00:00Z';
const TEMPLATES = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '40Gi' } } } }];

describe('the invariants', () => {
  it('hold all through a calm history in which ordinals move and their old disks are retired', async () => {
    const outcome = await play(CALM_HISTORY);
    expect(outcome.broken).toBeUndefined();
    expect(outcome.coverage).toMatchObject({ 'phase: Succeeded': 2, 'call: DeleteDisk': 2 });
  });

  it('are all in the list that histories are held to', () => {
    expect(INVARIANTS).toHaveLength(22);
    expect(new Set(INVARIANTS).size).toBe(22);
  });
});

describe('I1: no acknowledged write is lost', () => {
  const wrote = { pod: POD, uid: 'uid-1', claim: CLAIM, sequence: 7, text: 'seven' };
  const started = { pod: POD, uid: 'uid-2', node: 'node-b1', claim: CLAIM };

  it('and a start without it is told, with pod, disk and write', async () => {
    const stage = await InvariantStage.begin();
    const { wrong, invariant } = stage.hold(noWriteIsLost);
    stage.world.simulated.records.wrote({ ...wrote, diskId: 'd-old', at: stage.world.simulated.clock.now() });
    stage.world.simulated.records.started({ ...started, diskId: 'd-new' }, []);
    expect(invariant.atRest?.()).toMatch(/pod shop\/web-1 started on disk d-new .* without write 7, "seven"/);
    expect(wrong).toEqual([]);
  });

  it('is nothing that a start with all writes is asked about', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(noWriteIsLost);
    stage.world.simulated.records.wrote({ ...wrote, diskId: 'd-old', at: 1 });
    stage.world.simulated.records.started({ ...started, diskId: 'd-new' }, [{ writer: POD, sequence: 7, at: 1, text: 'seven' }]);
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('but one to a disk that no claim is on any more, by a pod that outlived its claim, is owed to nobody', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(noWriteIsLost);
    const lose = (sequence: number, diskId: string): void => {
      stage.world.simulated.records.wrote({ ...wrote, sequence, diskId, at: stage.world.simulated.clock.now() });
      stage.world.simulated.records.started({ ...started, uid: `uid-${sequence}`, diskId: 'd-new' }, []);
    };
    const { diskId } = await stage.claimOn(stage.disk());
    await stage.dropClaim();
    await stage.pass(1_000);
    lose(7, diskId);
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.claimOn(diskId, { name: 'again' });
    await stage.pass(1_000);
    lose(8, diskId);
    expect(invariant.atRest?.()).toMatch(/without write 8/);
  });

  /** The newer disk was given up; `lose` has its pod start on the old one. */
  async function restored() {
    const stage = await InvariantStage.begin();
    const { old, successor } = await stage.moved();
    await stage.attach(successor);
    const { sequence } = stage.ecs.guestWrite('i-node-b1', successor, POD, 'second');
    await stage.detach(successor);
    const rescue = await stage.snapshot(successor);
    const claims = [part({ source: { diskId: old }, target: { diskId: successor }, rescue: { id: rescue } })];
    const record = await stage.record({ phase: 'RollingBack', course: 'Restore', step: 'evict', claims });
    const { invariant } = stage.hold(noWriteIsLost);
    const lose = (): string | undefined => {
      stage.world.simulated.records.wrote({ ...wrote, sequence, text: 'second', diskId: successor, at: stage.world.simulated.clock.now() });
      stage.world.simulated.records.started({ ...started, diskId: old }, [{ writer: POD, sequence: 1, at: 1, text: 'first' }]);
      return invariant.atRest?.();
    };
    return { stage, record, claims, lose, deleteRescue: () => stage.call('DeleteSnapshot', { SnapshotId: rescue, Force: true }) };
  }

  it('but by restore-source, which keeps the newer disk and a snapshot that holds the write', async () => {
    const { lose, deleteRescue } = await restored();
    expect(lose()).toBeUndefined();
    await deleteRescue();
    expect(lose()).toMatch(/restore-source allows that, but disk .* is not kept/);
  });

  it('which it does for the retention, and no longer', async () => {
    const { stage, record, claims, lose, deleteRescue } = await restored();
    const terms = { readyTimeoutMs: 0, healthDurationMs: 0, onUnready: 'restore-source' as const, snapshotRetentionMs: 60_000, sourceRetentionMs: 60_000 };
    await stage.change(record, { phase: 'RolledBack', course: 'Restore', reason: 'SourceRestored', finishedAt: AT, claims, terms });
    await deleteRescue();
    expect(lose()).toMatch(/restore-source allows that, but disk .* is not kept/);
    await stage.pass(61_000);
    expect(lose()).toBeUndefined();
  });

  it('until people give the claim up', async () => {
    const stage = await InvariantStage.begin();
    const { diskId } = await stage.claimOn(stage.disk());
    const { invariant } = stage.hold(noWriteIsLost);
    stage.world.simulated.records.wrote({ ...wrote, diskId, at: stage.world.simulated.clock.now() });
    await stage.dropClaim();
    stage.world.simulated.records.started({ ...started, diskId: 'd-new' }, []);
    expect(invariant.atRest?.()).toBeUndefined();
  });
});

describe('I2: a start has lineage', () => {
  const start = (stage: InvariantStage, diskId: string): void => stage.world.simulated.records.started({ pod: POD, uid: 'uid-1', node: 'node-a1', claim: CLAIM, diskId }, stage.ecs.contents(diskId));

  it('on the disk made from the old one', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(startsHaveLineage);
    const { old, successor } = await stage.moved();
    for (const diskId of [old, old, successor]) start(stage, diskId);
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('and a blank disk for a claim that had one has none', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(startsHaveLineage);
    const { old } = await stage.moved();
    start(stage, old);
    start(stage, stage.disk());
    expect(invariant.atRest?.()).toMatch(/\(0 writes\), and claim shop\/data-web-1 was on disk .* before, from which it does not come/);
  });

  it('and a snapshot from before the last write is not enough', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(startsHaveLineage);
    const { old, successor } = await stage.moved();
    await stage.attach(old);
    stage.ecs.guestWrite('i-node-a1', old, POD, 'second');
    start(stage, old);
    start(stage, successor);
    expect(invariant.atRest?.()).toMatch(/of which it lacks the last writes/);
  });
});

describe('I3: one disk of a claim is attached', () => {
  it('and a second one is told at once', async () => {
    const stage = await InvariantStage.begin();
    const [first, second] = [stage.disk(), stage.disk()];
    await stage.volume(first);
    await stage.volume(second);
    const { wrong } = stage.hold(oneDiskAttached);
    await stage.attach(first);
    expect(wrong).toEqual([]);
    await stage.attach(second);
    expect(wrong).toEqual([`disk ${second} of claim shop/data-web-1 is attached while its disk ${first} is still attached`]);
  });

  it('one after the other, or for different claims', async () => {
    const stage = await InvariantStage.begin();
    const [first, second] = [stage.disk(), stage.disk()];
    await stage.volume(first);
    await stage.volume(second);
    const { wrong } = stage.hold(oneDiskAttached);
    await stage.attach(first);
    await stage.attach(stage.disk());
    await stage.detach(first);
    await stage.attach(second);
    expect(wrong).toEqual([]);
  });

  it('and in a move the other one has to be let go of entirely', async () => {
    const stage = await InvariantStage.begin();
    const [first, second] = [stage.disk(), stage.disk()];
    await stage.volume(first);
    await stage.volume(second);
    await stage.record({ phase: 'Running', step: 'ungate', claims: [part({ source: { diskId: first }, target: { diskId: second } })] });
    await stage.attach(first);
    const { wrong } = stage.hold(oneDiskAttached);
    await stage.call('DetachDisk', { DiskId: first, InstanceId: 'i-node-a1' });
    await stage.call('AttachDisk', { DiskId: second, InstanceId: 'i-node-a1' });
    expect(wrong).toEqual([expect.stringContaining(`its disk ${first} is still being detached`)]);
  });
});

describe('I4: what we delete in the cloud', () => {
  const MINUTE = 60_000;
  const terms = { readyTimeoutMs: MINUTE, healthDurationMs: 0, onUnready: 'hold', snapshotRetentionMs: MINUTE, sourceRetentionMs: MINUTE } as const;

  /** A move that has succeeded: the claim on the new disk, the old volume gone. */
  async function settled(stage: InvariantStage, retiringAt: string | undefined): Promise<{ old: string; snapshot: string }> {
    stage.hold(deletionsAreDue);
    const { old, snapshot, successor } = await stage.moved();
    const { pv } = await stage.claimOn(successor);
    const source = { diskId: old, ...(retiringAt === undefined ? {} : { retiringAt }) };
    await stage.record({ phase: 'Succeeded', reason: 'Settled', message: 'done', step: 'settle', finishedAt: AT, terms, claims: [part({ source, snapshot: { id: snapshot }, target: { diskId: successor, pv } })] });
    return { old, snapshot };
  }

  const deleting = (stage: InvariantStage, id: string): string | undefined => {
    const parameters = id.startsWith('d-') ? { DiskId: id } : { SnapshotId: id };
    return deletionsAreDue(stage.world).onCall?.({ daemon: 0, action: id.startsWith('d-') ? 'DeleteDisk' : 'DeleteSnapshot', parameters });
  };

  it('is a source disk after its retention, the intent recorded, the claim on its successor', async () => {
    const stage = await InvariantStage.begin();
    const { old, snapshot } = await settled(stage, AT);
    expect(deleting(stage, old)).toMatch(/it has been kept for \d+ ms since the end, of 60000/);
    await stage.pass(2 * MINUTE);
    expect(deleting(stage, old)).toBeUndefined();
    expect(deleting(stage, snapshot)).toBeUndefined();
  });

  it('is no source disk of which the record does not say that it goes', async () => {
    const stage = await InvariantStage.begin();
    const { old } = await settled(stage, undefined);
    await stage.pass(2 * MINUTE);
    expect(deleting(stage, old)).toMatch(/does not say that it is about to be deleted/);
  });

  it('is no source disk while the claim is on nothing that came from it', async () => {
    const stage = await InvariantStage.begin();
    const { old } = await settled(stage, AT);
    await stage.pass(2 * MINUTE);
    await stage.dropClaim();
    // Between our last look and the cloud's answer anybody may delete it.
    expect(deleting(stage, old)).toBeUndefined();
    await stage.pass(31_000);
    expect(deleting(stage, old)).toMatch(/claim data-web-1 is not Bound, so it may be the last copy/);
  });

  it('is no snapshot that is still being uploaded', async () => {
    const stage = await InvariantStage.begin();
    const { snapshot } = await settled(stage, AT);
    expect(deleting(stage, snapshot)).toMatch(/not uploaded yet/);
  });

  it('is the unused target of an undo that has said so, and no used one', async () => {
    const stage = await InvariantStage.begin();
    const { old, snapshot, successor } = await stage.moved();
    const target = { diskId: successor };
    const record = await stage.record({ phase: 'RollingBack', course: 'Undo', step: 'createDisk', claims: [part({ source: { diskId: old }, snapshot: { id: snapshot }, target })] });
    expect(deleting(stage, successor)).toMatch(/the record does not say that it is about to be deleted/);
    await stage.change(record, { claims: [part({ source: { diskId: old }, snapshot: { id: snapshot }, target: { ...target, discardingAt: AT } })] });
    expect(deleting(stage, successor)).toBeUndefined();
    expect(deleting(stage, old)).toMatch(/has it as its source/);
    await stage.attach(successor);
    await stage.detach(successor);
    expect(deleting(stage, successor)).toMatch(/it has been attached, and may hold writes/);
  });

  it("is nothing that no record has, but for a target of ours that was never used", async () => {
    const stage = await InvariantStage.begin();
    const tags = { [MIGRATION_LABEL]: 'uid-of-nobody', [ROLE_LABEL]: 'target' };
    expect(deleting(stage, stage.disk())).toMatch(/its tags do not say that it is ours/);
    expect(deleting(stage, stage.disk({ ...tags, [CLUSTER_TAG]: 'another-cluster' }))).toMatch(/its tags do not say that it is ours/);
    expect(deleting(stage, stage.disk({ ...tags, [CLUSTER_TAG]: stage.world.clusterUID }))).toBeUndefined();
  });

  it('is all that goes: a disk of a move in flight is not deleted by anybody', async () => {
    const stage = await InvariantStage.begin();
    const { old, successor } = await stage.moved();
    await stage.record({ phase: 'Running', step: 'swapClaim', claims: [part({ source: { diskId: old }, target: { diskId: successor } })] });
    const { wrong } = stage.hold(disksOfMovesStay);
    await stage.call('DeleteDisk', { DiskId: successor });
    expect(wrong).toEqual([expect.stringMatching(/the target of record web-1-bcdfg \(Running Forward at swapClaim\), was deleted by somebody else/)]);
    stage.world.excuses.add(EXCUSES.deletedInCloud(old));
    await stage.pass(30_000);
    await stage.call('DeleteDisk', { DiskId: old });
    expect(wrong).toHaveLength(1);
  });

  it('takes no disk with it when we delete a PV', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(volumesGoAlone);
    const [kept, deleted] = [await stage.volume(stage.disk(), { name: 'kept' }), await stage.volume(stage.disk(), { name: 'deleted', policy: 'Delete' })];
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumes', deleted.metadata.name))).toMatch(/its reclaim policy is Delete, so its disk goes with it/);
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumes', kept.metadata.name))).toMatch(/we deleted PV kept: no record has it/);
    const record = await stage.record({ phase: 'Running', step: 'createVolume', claims: [part({ target: { pv: 'kept' } })] });
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumes', 'kept'))).toMatch(/no record says that it is about to go/);
    await stage.change(record, { phase: 'RollingBack', course: 'Undo' });
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumes', 'kept'))).toBeUndefined();
    expect(invariant.onRequest?.({ ...stage.request('delete', 'persistentvolumes', 'deleted'), user: 'admin' })).toBeUndefined();
  });
});

describe('I5: one at a time, and gently', () => {
  const running: OrdinalMigrationStatus = { phase: 'Running', step: 'rehearse' };

  it('a second ordinal of a set begins only where its policy allows two', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(fewInFlight);
    await stage.record(running, { name: 'web-1-bcdfg' });
    await stage.record({ phase: 'Running', step: 'evict' }, { name: 'web-1-hjklm', ordinal: 1, reverses: 'web-1-bcdfg' });
    expect(wrong).toEqual([]);
    await stage.record(running, { name: 'web-2-bcdfg', ordinal: 2 });
    expect(wrong[0]).toMatch(/record web-2-bcdfg has begun, and 2 ordinals of StatefulSet web are in flight \(.*\): max-unavailable is 1/);
  });

  it('and one move of an ordinal, whichever set of that name it was begun for', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(fewInFlight);
    const before = await stage.record({ phase: 'RollingBack', course: 'Undo', step: 'createDisk', reason: 'OwnerGone', statefulSetUID: 'uid-before' });
    await stage.record(running, { name: 'web-1-hjklm' });
    expect(wrong.splice(0)).toEqual(['record web-1-hjklm has begun, and record web-1-bcdfg (RollingBack Undo at createDisk, OwnerGone), which is for the same ordinal, has not ended']);
    await stage.change(before, { phase: 'Failed' });
    await stage.record(running, { name: 'db-1-bcdfg', statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } });
    expect(wrong).toEqual([]);
  });

  const ofSet = (name: string) => ({ name: `${name}-1-bcdfg`, statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name } });

  async function oneFrozen() {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(fewInFlight);
    const begun = await stage.record(running, ofSet('web'));
    return { stage, wrong, frozen: await stage.change(begun, { phase: 'Frozen', reason: 'NotReady', message: 'it is not Ready' }) };
  }

  it('and no more moves than the daemon was told, Frozen ones aside', async () => {
    const { stage, wrong } = await oneFrozen();
    for (const name of ['db', 'queue']) await stage.record(running, ofSet(name));
    expect(wrong).toEqual([]);
    await stage.record(running, ofSet('cache'));
    expect(wrong).toEqual([expect.stringMatching(/3 moves are under way .*: --max-migrations is 2/)]);
  });

  it('though one that was Frozen may go on while another one that was made by then begins', async () => {
    const { stage, wrong, frozen } = await oneFrozen();
    await stage.record(running, ofSet('db'));
    const third = await stage.record({}, ofSet('queue'));
    await stage.pass(1_000);
    await stage.change(frozen, { phase: 'Running' });
    await stage.change(third, running);
    expect(wrong).toEqual([]);
    await stage.pass(1_000);
    await stage.record(running, ofSet('cache'));
    expect(wrong).toEqual([expect.stringMatching(/4 moves are under way .*: --max-migrations is 2/)]);
  });

  it('a pod is deleted only in an undo, and never without grace', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(podsGoGently);
    const pod = { metadata: { name: 'web-1', namespace: NAMESPACE }, spec: { nodeName: 'node-a1', containers: [{ name: 'app', image: 'app:1' }] } };
    await stage.do(stage.admin.create(pods, pod));
    expect(invariant.onRequest?.(stage.request('delete', 'pods', 'web-1'))).toMatch(/no move of it is being undone/);
    await stage.record({ phase: 'RollingBack', course: 'Undo', step: 'ungate' });
    expect(invariant.onRequest?.(stage.request('delete', 'pods', 'web-1'))).toBeUndefined();
    await stage.do(stage.admin.delete(pods, { namespace: NAMESPACE, name: 'web-1' }, { gracePeriodSeconds: 0 }));
    const { version } = stage.world.simulated.server;
    expect(invariant.onRequest?.(stage.request('delete', 'pods', 'web-1', version))).toMatch(/we killed pod web-1 on node node-a1 without grace/);
  });

  it('and evicted now and then, not as fast as new ones are made', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(podsGoGently);
    const evicted = async (times: number, everyMs: number): Promise<(string | undefined)[]> => {
      const said: (string | undefined)[] = [];
      for (let count = 0; count < times; count += 1) {
        said.push(invariant.onRequest?.(stage.request('create', 'pods/eviction', 'web-1')));
        await stage.pass(everyMs);
      }
      return said.filter((one) => one !== undefined);
    };
    expect(await evicted(200, 1_000)).toEqual([]);
    expect((await evicted(200, 100))[0]).toBe('we evicted pod web-1 121 times within a minute');
  });
});

describe('I6: nothing unrecorded, nothing of others', () => {
  it('is made in the cloud before its record says so', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(intentComesFirst);
    const record = await stage.record({ phase: 'Running', step: 'snapshot', claims: [part({})] });
    const call = (parameters: Record<string, unknown>) => invariant.onCall?.({ daemon: 0, action: 'CreateSnapshot', parameters: { DiskId: 'd-old', ClientToken: 'token-1', ...parameters } });
    expect(call({})).toMatch(/they do not name this cluster and a role/);
    expect(call({ Tag: stage.tags({ ...record, metadata: { ...record.metadata, uid: 'uid-of-nobody' } }, 'source') })).toMatch(/there is no record/);
    expect(call({ Tag: stage.tags(record, 'source') })).toMatch(/with token token-1 is not what record web-1-bcdfg says/);
    const params = { diskId: 'd-old', name: 'n', description: 'd', tags: {} };
    await stage.change(record, { claims: [part({ snapshot: { token: 'token-1', params, requestedAt: AT } })] });
    expect(call({ Tag: stage.tags(record, 'source') })).toBeUndefined();
    expect(call({ Tag: stage.tags(record, 'source'), DiskId: 'd-another' })).toMatch(/is not what record web-1-bcdfg says/);
  });

  it('is changed that no record names', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(handsOff);
    const [own, foreign] = [stage.disk(), stage.disk({ [CLUSTER_TAG]: 'another-cluster' })];
    await stage.record({ phase: 'Running', step: 'ungate', claims: [part({ source: { diskId: own } })] });
    const tagging = (id: string) => invariant.onCall?.({ daemon: 0, action: 'TagResources', parameters: { ResourceType: 'disk', ResourceId: [id] } });
    expect(tagging(own)).toBeUndefined();
    expect(tagging(foreign)).toMatch(/which no record names/);
    expect(invariant.onCall?.({ daemon: 0, action: 'DetachDisk', parameters: { DiskId: own } })).toMatch(/not ours to do/);
    expect(invariant.onRequest?.(stage.request('patch', 'persistentvolumes', 'pv-old'))).toBeUndefined();
    expect(invariant.onRequest?.(stage.request('patch', 'persistentvolumes', 'pv-of-somebody'))).toMatch(/which no record names/);
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumeclaims', CLAIM))).toBeUndefined();
    expect(invariant.onRequest?.(stage.request('delete', 'persistentvolumeclaims', 'data-db-0'))).toMatch(/which no record names/);
    expect(invariant.onRequest?.(stage.request('patch', 'statefulsets.apps', 'web'))).toMatch(/not ours to write/);
  });

  it('is left in the cloud at rest that no record knows', async () => {
    const stage = await InvariantStage.begin();
    const foreign = stage.disk({ [CLUSTER_TAG]: 'another-cluster' });
    const { invariant } = stage.hold(nothingLeaks);
    const { old, snapshot } = await stage.moved();
    const record = await stage.record({ phase: 'RolledBack', reason: 'Aborted', message: 'a person aborted it', finishedAt: AT, claims: [part({ source: { diskId: old } })] });
    expect(invariant.atRest?.()).toBeUndefined();
    const leaked = await stage.diskFrom(snapshot, record);
    expect(invariant.atRest?.()).toContain(`${leaked} was made for record web-1-bcdfg, is Available, and the record does not know it any more`);
    await stage.change(record, { claims: [part({ source: { diskId: old }, target: { diskId: leaked } })] });
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.call('TagResources', { RegionId: 'cn-test', ResourceType: 'disk', ResourceId: [foreign], Tag: [{ Key: 'a', Value: 'b' }] });
    expect(invariant.atRest?.()).toMatch(/belongs to another cluster, and is not as it was/);
  });

  it('but what a record in flight has the token of is not forgotten: whoever goes on asks for it again', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(nothingLeaks);
    const DiskId = stage.disk();
    await stage.attach(DiskId);
    await stage.detach(DiskId);
    const record = await stage.record({ phase: 'Frozen', course: 'Undo', step: 'keepSource', reason: 'SeveralVolumesPerHandle', message: 'two of them', claims: [part({ source: { diskId: DiskId }, snapshot: { token: 'token-1' } })] });
    await stage.call('CreateSnapshot', { DiskId, ClientToken: 'token-1', Tag: stage.tags(record, 'source') });
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.change(record, { phase: 'RolledBack', finishedAt: AT });
    expect(invariant.atRest?.()).toMatch(/was made for record web-1-bcdfg, .*and the record does not know it any more/);
  });

  it('is a placeholder that no record wants any more', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(nothingLeaks);
    const record = await stage.record({ phase: 'Running', course: 'Forward', step: 'createDisk' });
    await stage.do(stage.admin.create(pods, { metadata: { namespace: NAMESPACE, name: placeholderName(record), labels: { [MIGRATION_LABEL]: record.metadata.uid ?? '', [ROLE_LABEL]: 'placeholder' } }, spec: { containers: [{ name: 'hold', image: 'pause' }] } }));
    expect(invariant.atRest?.()).toBeUndefined();
    for (const phase of ['Frozen', 'RollingBack', 'Succeeded'] as const) {
      await stage.change(record, { phase, reason: 'Why', message: 'because', finishedAt: AT });
      expect(invariant.atRest?.()).toMatch(new RegExp(`placeholder ${placeholderName(record)} holds node .+, and no record wants it`));
    }
  });

  const retainedForAMinute: OrdinalMigrationStatus = {
    phase: 'Succeeded',
    reason: 'Settled',
    message: 'done',
    finishedAt: AT,
    terms: { readyTimeoutMs: 0, healthDurationMs: 0, onUnready: 'hold', snapshotRetentionMs: 0, sourceRetentionMs: 60_000 },
    claims: [part({})],
  };

  it('is retained for longer than was promised without a word', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(nothingLeaks);
    const record = await stage.record(retainedForAMinute);
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.pass(3_600_000);
    expect(invariant.atRest?.()).toMatch(/disk d-old of record web-1-bcdfg was to be retired \d+ minutes ago/);
    await stage.change(record, { conditions: [{ type: 'SourceRetired', status: 'False', reason: 'SourceInUse', message: 'PV pv-old is Bound', lastTransitionTime: AT }] });
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('unless a person has taken its record’s finalizer off: then nobody deletes it any more', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(nothingLeaks);
    const { metadata } = await stage.record(retainedForAMinute);
    stage.world.excuses.add(EXCUSES.recordReleased(metadata.name));
    await stage.pass(3_600_000);
    expect(invariant.atRest?.()).toBeUndefined();
  });
});

describe('I7: every record ends, and says the truth', () => {
  const ended = (phase: 'Succeeded' | 'RolledBack' | 'Failed', reason: string): OrdinalMigrationStatus => ({ phase, reason, message: 'because', finishedAt: AT });

  /** Begun on a claim on its disk. */
  async function begun(stage: InvariantStage): Promise<{ record: Awaited<ReturnType<InvariantStage['record']>>; claim: ReturnType<typeof part>; wrong: string[]; pv: string; diskId: string }> {
    const { wrong } = stage.hold(endingsAreTrue);
    const { pv, diskId } = await stage.claimOn(stage.disk());
    const claim = part({ source: { pv, diskId } });
    return { record: await stage.record({ phase: 'Running', step: 'rehearse', claims: [claim] }), claim, wrong, pv, diskId };
  }

  it('RolledBack is exactly as before', async () => {
    const stage = await InvariantStage.begin();
    const { record, wrong } = await begun(stage);
    await stage.change(record, ended('RolledBack', 'Aborted'));
    expect(wrong).toEqual([]);
  });

  it.each([
    ['with another reclaim policy', { spec: { persistentVolumeReclaimPolicy: 'Delete' } }, /are not as before/],
    ['with our label', { metadata: { labels: { [MIGRATION_LABEL]: 'UID' } } }, /still carries its label/],
    ['with an annotation more', { metadata: { annotations: { note: 'new' } } }, /are not as before/],
  ])('RolledBack %s is told', async (_what, patch, words) => {
    const stage = await InvariantStage.begin();
    const { record, wrong, pv } = await begun(stage);
    const mine = JSON.parse(JSON.stringify(patch).replace('UID', record.metadata.uid ?? '')) as object;
    await stage.do(stage.admin.mergePatch(volumes, { name: pv }, mine));
    await stage.change(record, ended('RolledBack', 'Aborted'));
    expect(wrong).toEqual([expect.stringMatching(words)]);
  });

  it('RolledBack leaves no disk that was made on the way', async () => {
    const stage = await InvariantStage.begin();
    const { record, wrong, diskId } = await begun(stage);
    await stage.attach(diskId);
    await stage.detach(diskId);
    const made = await stage.diskFrom(await stage.snapshot(diskId), record);
    await stage.change(record, ended('RolledBack', 'Aborted'));
    expect(wrong).toEqual([expect.stringContaining(`${made}, which was made for it, is still there`)]);
  });

  it('Failed has changed nothing', async () => {
    const stage = await InvariantStage.begin();
    const { record, wrong, pv } = await begun(stage);
    await stage.do(stage.admin.mergePatch(volumes, { name: pv }, { metadata: { labels: { [MIGRATION_LABEL]: record.metadata.uid } } }));
    await stage.change(record, ended('Failed', 'Refused'));
    expect(wrong).toEqual([expect.stringMatching(/Failed .* PersistentVolume .* still carries its label/)]);
  });

  it('Succeeded is on the new disk, and its pod has been Ready there for the health duration', async () => {
    const stage = await InvariantStage.begin();
    const { record, wrong, claim } = await begun(stage);
    const { records } = stage.world.simulated;
    const [successor] = [stage.disk()];
    await stage.dropClaim();
    await stage.change(record, ended('Succeeded', 'Settled'));
    // Nobody has the claim at the moment, but the pod was never there either.
    expect(wrong.splice(0)).toEqual([expect.stringMatching(/was never Ready on disk/)]);

    const { pv } = await stage.claimOn(successor);
    const terms = { readyTimeoutMs: 0, healthDurationMs: 30_000, onUnready: 'hold', snapshotRetentionMs: 0 } as const;
    const again = await stage.record({ phase: 'Running', step: 'settle', terms, claims: [{ ...claim, target: { pv, diskId: successor } }] }, { name: 'web-1-hjklm' });
    const pod = { namespace: NAMESPACE, name: 'web-1', uid: 'uid-9' };
    records.seen(pod, { node: 'node-b1', zone: 'cn-test-b' });
    records.started({ pod: POD, uid: pod.uid, node: 'node-b1', claim: CLAIM, diskId: successor }, []);
    records.mark(pod.uid, 'readyAt');
    await stage.change(again, ended('Succeeded', 'Settled'));
    expect(wrong.splice(0)).toEqual([expect.stringMatching(/first Ready \d+ ms ago .* the health duration is 30000 ms/)]);

    const third = await stage.record({ phase: 'Running', step: 'settle', terms, claims: [{ ...claim, target: { pv, diskId: successor } }] }, { name: 'web-1-npqrs' });
    await stage.pass(40_000);
    await stage.change(third, ended('Succeeded', 'Settled'));
    expect(wrong).toEqual([]);
  });

  it('what has ended does not begin again, and Frozen says why', async () => {
    const stage = await InvariantStage.begin();
    const { record, wrong } = await begun(stage);
    await stage.change(record, { phase: 'Frozen' });
    expect(wrong.splice(0)).toEqual([expect.stringMatching(/Frozen .*: it does not say why/)]);
    await stage.change(record, { phase: 'Frozen', reason: 'NotReady', message: 'pod web-1 is not Ready' });
    expect(wrong).toEqual([]);
    await stage.change(record, ended('RolledBack', 'Aborted'));
    await stage.change(record, { phase: 'Running' });
    expect(wrong).toEqual([expect.stringMatching(/it had ended as RolledBack/)]);
  });

  it('and nothing is stuck at rest', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(recordsEnd);
    const record = await stage.record({ phase: 'RollingBack', course: 'Undo', step: 'swapClaim', reason: 'Aborted', message: 'the undo waits' });
    expect(invariant.atRest?.()).toMatch(/record web-1-bcdfg \(RollingBack Undo at swapClaim, Aborted\) stays as it is for good: Aborted: the undo waits/);
    await stage.change(record, { phase: 'Frozen', reason: 'TargetInUse', message: 'compare the two' });
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.do(stage.admin.create(ordinalMigrations, { ...record, metadata: { name: 'waits', namespace: NAMESPACE } }));
    expect(invariant.atRest?.()).toMatch(/record waits \(Pending .*\) stays as it is for good: it does not say why/);
  });

  it('nor marked: gates, labels and tags go when nothing needs them', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(marksGo);
    const record = await stage.record(ended('Succeeded', 'Settled'));
    const namespaceLabel = (value: string | null) => stage.do(stage.admin.mergePatch(namespaces, { name: NAMESPACE }, { metadata: { labels: { [IN_FLIGHT_LABEL]: value } } }));
    await namespaceLabel('true');
    expect(invariant.atRest?.()).toMatch(/namespace shop says that something is in flight there/);
    await namespaceLabel(null);

    const diskId = stage.disk({ [MIGRATION_LABEL]: record.metadata.uid ?? '' });
    const { pv } = await stage.claimOn(diskId, { labels: { [MIGRATION_LABEL]: record.metadata.uid ?? '' } });
    expect(invariant.atRest?.()).toMatch(/PersistentVolume .* carries the label of record web-1-bcdfg/);
    await stage.do(stage.admin.mergePatch(volumes, { name: pv }, { metadata: { labels: { [MIGRATION_LABEL]: null } } }));
    expect(invariant.atRest?.()).toMatch(/disk .* carries the tag of record web-1-bcdfg/);
    await stage.call('UntagResources', { RegionId: 'cn-test', ResourceType: 'disk', ResourceId: [diskId], TagKey: [MIGRATION_LABEL] });
    expect(invariant.atRest?.()).toBeUndefined();

    await stage.do(stage.admin.create(pods, { metadata: { name: 'web-1', namespace: NAMESPACE }, spec: { schedulingGates: [{ name: GATE }], containers: [{ name: 'app', image: 'app:1' }] } }));
    expect(invariant.atRest?.()).toMatch(/pod web-1 is gated, and no move wants it to be/);
    await stage.change(await stage.record({ phase: 'Frozen', course: 'Forward', step: 'snapshot', reason: 'SnapshotAmbiguous', message: 'two of them' }, { name: 'web-1-hjklm' }), {});
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('and what people have put on a claim is on the next one of its name, which only a move makes', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(labelsStay);
    const { pv, claimUID } = await stage.claimOn(stage.disk());
    const give = async (team: string): Promise<void> => {
      await stage.labelClaim({ team });
      invariant.onRequest?.({ ...stage.request('patch', 'persistentvolumeclaims', CLAIM), user: ADMIN.username });
    };
    await give('db');
    expect(invariant.atRest?.()).toBeUndefined();

    const record = await stage.record({ phase: 'Running', course: 'Forward', step: 'swapClaim', claims: [part({ source: { pv, claimUID } })] });
    await give('shop');
    await stage.dropClaim();
    await stage.claimOn(stage.disk());
    expect(invariant.atRest?.()).toMatch(/claim data-web-1 has \{\}, and people had left it with \{"label":"shop"\}/);
    // Its predecessor's labels are still to come.
    await give('early');
    expect(invariant.atRest?.()).toMatch(/people had left it with \{"label":"shop"\}/);
    await stage.labelClaim({ [MIGRATION_LABEL]: record.metadata.uid ?? '' });
    await give('shop');
    expect(invariant.atRest?.()).toBeUndefined();
    await give('web');
    await stage.labelClaim({ team: 'shop' });
    expect(invariant.atRest?.()).toMatch(/has \{"label":"shop"\}, and people had left it with \{"label":"web"\}/);

    await stage.condemnClaim();
    invariant.onRequest?.({ ...stage.request('delete', 'persistentvolumeclaims', CLAIM), user: ADMIN.username });
    await stage.releaseClaim();
    await stage.claimOn(stage.disk());
    expect(invariant.atRest?.()).toBeUndefined();

    await give('shop');
    await stage.change(record, ended('Succeeded', 'Settled'));
    await stage.dropClaim();
    await stage.claimOn(stage.disk());
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('which may have what people put on it at once, where its predecessor had nothing', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(labelsStay);
    const written = (): void => void invariant.onRequest?.({ ...stage.request('patch', 'persistentvolumeclaims', CLAIM), user: ADMIN.username });
    const { pv, claimUID } = await stage.claimOn(stage.disk());
    written();
    await stage.labelClaim({ team: 'nobody' });
    expect(invariant.atRest?.()).toMatch(/has \{"label":"nobody"\}, and people had left it with \{\}/);

    await stage.record({ phase: 'Running', course: 'Forward', step: 'swapClaim', claims: [part({ source: { pv, claimUID } })] });
    await stage.dropClaim();
    await stage.claimOn(stage.disk());
    await stage.labelClaim({ team: 'shop' });
    written();
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('its pods run, unless a move of the set is Frozen', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(podsRun);
    await stage.do(stage.admin.create(statefulSets, set({})));
    expect(invariant.atRest?.()).toMatch(/StatefulSet web does not run, and no move of it is Frozen: pod web-0 is not there/);
    const record = await stage.record({ phase: 'Frozen', step: 'ready', reason: 'NotReady', message: 'pod web-0 is not Ready' }, { ordinal: 0 });
    expect(invariant.atRest?.()).toBeUndefined();
    await stage.change(record, ended('Failed', 'Released'));
    await stage.pass(60_000);
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('unless the StatefulSet controller itself waits for its resync, after a scale to zero and back took the claims', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(podsRun);
    const { spec, ...rest } = set({});
    const templates = { volumeClaimTemplates: TEMPLATES, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } };
    await stage.do(stage.admin.create(statefulSets, { ...rest, spec: { ...spec, ...templates } }));
    expect(invariant.atRest?.()).toMatch(/pod web-0 is not there/);
    stage.world.excuses.add(EXCUSES.claimGivenUp('data-web-0'));
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('but a claim that is being deleted keeps its mark, and its volume stays Retain and marked, for a person to see', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(marksGo);
    const record = await stage.record(ended('RolledBack', 'Aborted'));
    const { pv } = await stage.claimOn(stage.disk(), { labels: { [MIGRATION_LABEL]: record.metadata.uid ?? '' } });
    await stage.change(record, { claims: [part({ source: { pv } })] });
    expect(invariant.atRest?.()).toMatch(/PersistentVolume d-sim.* carries the label of record web-1-bcdfg/);
    await stage.labelClaim({ [MIGRATION_LABEL]: record.metadata.uid ?? '' });
    expect(invariant.atRest?.()).toMatch(/PersistentVolumeClaim data-web-1 carries the label of record web-1-bcdfg/);
    await stage.condemnClaim();
    expect(invariant.atRest?.()).toBeUndefined();
  });

  it('and the report tells the truth, and why not when it is not as declared', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(spreadIsKept);
    const diskId = stage.disk();
    await stage.claimOn(diskId);
    const { annotations, ...rest } = { annotations: { 'zonespread.io/zones': 'cn-test-b' }, volumeClaimTemplates: TEMPLATES };
    const declared = set(annotations);
    await stage.do(stage.admin.create(statefulSets, { ...declared, spec: { ...declared.spec, ...rest, ordinals: { start: 1 } } }));
    expect(invariant.atRest?.()).toMatch(/it declares zones, and has no SpreadReport/);

    const say = await reporter(stage);
    await say({ satisfied: true });
    expect(invariant.atRest?.()).toMatch(/the report says Satisfied, and ordinal 1 is in zone cn-test-a, which is not declared/);
    const notSatisfied = { type: 'Satisfied', status: 'False' as const, reason: 'MovesPlanned', message: '1 move planned', lastTransitionTime: AT };
    await say({ satisfied: false });
    expect(invariant.atRest?.()).toMatch(/neither that it is as declared nor why not/);
    await say({ satisfied: false, conditions: [notSatisfied] });
    expect(invariant.atRest?.()).toMatch(/moves are planned, and nothing that lasts holds them/);
    await say({ satisfied: false, conditions: [notSatisfied], blocked: [{ ordinals: '1', reason: 'BudgetUsedUp', message: 'two are under way' }] });
    expect(invariant.atRest?.()).toMatch(/nothing that lasts holds them: BudgetUsedUp/);
    await say({ satisfied: false, conditions: [notSatisfied], blocked: [{ ordinals: '', reason: 'Paused', message: 'zonespread.io/paused is "true"' }] });
    expect(invariant.atRest?.()).toBeUndefined();
  });
});

describe('I7: evacuations hold', () => {
  const leaving = async (stage: InvariantStage, zone: string): Promise<ZoneEvacuation> => stage.do(stage.admin.create(zoneEvacuations, { metadata: { name: `leave-${zone}` }, spec: { zone } }));

  it('no planned move begins into a zone that has been evacuated for a while, unless there was trouble until now', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(evacuationsHold);
    const begin = (name: string, spec: { planDigest?: string } = { planDigest: 'p' }) => stage.record({}, { name, ...spec });
    await leaving(stage, 'cn-test-b');
    await stage.pass(180_000);
    await begin('in-trouble');
    Object.assign(stage.world, { troubled: false });
    await begin('just-after');
    expect(wrong).toEqual([]);
    await stage.pass(180_000);
    await begin('by-hand', {});
    expect(wrong).toEqual([]);
    await begin('later');
    expect(wrong).toEqual(['record later (Pending Forward at nothing) is to move into zone cn-test-b, which ZoneEvacuation leave-cn-test-b empties']);
  });

  it('and at rest it tells how many disks are left, and what holds them', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(evacuationsHold);
    await stage.claimOn(stage.disk());
    const templates = { volumeClaimTemplates: TEMPLATES, ordinals: { start: 1 } };
    const declared = set({ 'zonespread.io/zones': 'cn-test-a,cn-test-b' });
    await stage.do(stage.admin.create(statefulSets, { ...declared, spec: { ...declared.spec, ...templates } }));
    const { metadata } = await leaving(stage, 'cn-test-a');
    const say = (status: ZoneEvacuationStatus) => stage.do(stage.admin.mergePatch(zoneEvacuations, { name: metadata.name }, { status }, { subresource: 'status' }));
    const complete = (status: 'True' | 'False') => [{ type: 'Complete', status, reason: 'Said', message: 'so it is', lastTransitionTime: AT }];

    expect(invariant.atRest?.()).toBe('ZoneEvacuation leave-cn-test-a of zone cn-test-a: it says that nobody knows how many disks are left, and there are 1');
    await say({ disksLeft: 1, conditions: complete('True') });
    expect(invariant.atRest?.()).toMatch(/it says that it is complete, with 1 disks left$/);
    await say({ disksBlocked: 0, conditions: complete('False') });
    expect(invariant.atRest?.()).toMatch(/1 disks are left, 0 of them held/);
    await say({ disksBlocked: 1, blocked: [{ namespace: NAMESPACE, statefulSet: 'web', ordinals: '1', reason: 'Paused', message: 'zonespread.io/paused is "true"' }] });
    expect(invariant.atRest?.()).toBeUndefined();
  });
});

describe('I8: epochs grow', () => {
  it('and nobody writes a record, or calls the cloud for it, in an earlier one', async () => {
    const stage = await InvariantStage.begin();
    const { wrong, invariant } = stage.hold(epochsGrow);
    const record = await stage.record({ phase: 'Running', step: 'snapshot', epoch: 4, claims: [part({})] });
    const calling = (epoch: number) => invariant.onCall?.({ daemon: 1, epoch, action: 'CreateSnapshot', parameters: { DiskId: 'd-old', Tag: stage.tags(record, 'source') } });
    expect(calling(4)).toBeUndefined();
    expect(calling(5)).toBeUndefined();
    expect(calling(3)).toMatch(/daemon 1 of epoch 3 calls CreateSnapshot for record web-1-bcdfg, which epoch 4 has written/);
    expect(invariant.onCall?.({ daemon: 1, epoch: 3, action: 'DescribeDisks', parameters: {} })).toBeUndefined();
    await stage.change(record, { epoch: 5 });
    expect(wrong).toEqual([]);
    await stage.change(record, { epoch: 4 });
    expect(wrong).toEqual(['record web-1-bcdfg was written in epoch 4 after it had been written in epoch 5']);
  });
});

describe('I8: writes are as read', () => {
  it('we delete by UID alone, and write a record by its version', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(writesAreAsRead);
    const asking = (verb: string, resource: string, conditions?: RequestRecord['conditions'], user?: string) => invariant.onRequest?.({ ...stage.request(verb, resource, 'it'), conditions, ...(user === undefined ? {} : { user }) });
    expect(asking('delete', 'persistentvolumeclaims', { uid: 'u' })).toBeUndefined();
    expect(asking('delete', 'persistentvolumeclaims')).toMatch(/^we delete persistentvolumeclaims .*it, whichever has that name now$/);
    expect(asking('delete', 'persistentvolumeclaims', undefined, 'somebody')).toBeUndefined();
    expect(asking('delete', 'spreadreports.zonespread.io')).toBeUndefined();
    expect(asking('patch', 'ordinalmigrations.zonespread.io/status', { uid: 'u', resourceVersion: '7' })).toBeUndefined();
    expect(asking('patch', 'ordinalmigrations.zonespread.io/status', { uid: 'u' })).toMatch(/^we write ordinalmigrations.*over whatever it says now$/);
    expect(asking('patch', 'ordinalmigrations.zonespread.io')).toBeUndefined();
  });
});

describe('I9: one volume for each disk, and no stale disk', () => {
  it('we make no second PV for a disk', async () => {
    const stage = await InvariantStage.begin();
    const { invariant } = stage.hold(oneVolumePerHandle);
    const diskId = stage.disk();
    await stage.volume(diskId, { name: 'first' });
    expect(invariant.onRequest?.(stage.request('create', 'persistentvolumes', 'first'))).toBeUndefined();
    await stage.volume(diskId, { name: 'second' });
    expect(invariant.onRequest?.(stage.request('create', 'persistentvolumes', 'second'))).toMatch(/PV second was made for disk .*, which has PV first already/);
  });

  it('a copy is attached while its source is untouched since the snapshot', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(noStaleDiskAttached);
    const { successor } = await stage.moved();
    await stage.attach(successor);
    expect(wrong).toEqual([]);
  });

  it('and not after it was touched, nor from a snapshot of a disk in use', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(noStaleDiskAttached);
    const { old, successor } = await stage.moved();
    await stage.attach(old);
    await stage.detach(old);
    await stage.attach(successor);
    expect(wrong.splice(0)).toEqual([expect.stringMatching(/which has been attached since/)]);
    await stage.pass(60_000);
    const other = stage.disk();
    await stage.attach(other);
    await stage.attach(await stage.diskFrom(await stage.snapshot(other)));
    expect(wrong).toEqual([expect.stringMatching(/which was in use when that was taken/)]);
  });

  it('and the source is not attached any more once its successor was, unless it was restored', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(noStaleDiskAttached);
    const { old, successor } = await stage.moved();
    await stage.attach(successor);
    await stage.detach(successor);
    await stage.attach(old);
    expect(wrong.splice(0)).toEqual([`disk ${old} is attached again after disk ${successor}, which was made from it, has been attached`]);
    await stage.detach(old);
    await stage.record({ phase: 'RollingBack', course: 'Restore', step: 'evict', claims: [part({ source: { diskId: old }, target: { diskId: successor } })] });
    await stage.attach(old);
    expect(wrong).toEqual([]);
  });

  it('and an attach that was cut short, its instance gone, counts for nothing', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(noStaleDiskAttached);
    const { old, successor } = await stage.moved();
    await stage.call('AttachDisk', { DiskId: successor, InstanceId: 'i-node-b1' });
    stage.ecs.removeInstance('i-node-b1');
    await stage.attach(old);
    expect(wrong).toEqual([]);
  });

  it('though the source may be touched by hand after the last look at it, which is only just before the pod is let go', async () => {
    const stage = await InvariantStage.begin();
    const { wrong, invariant } = stage.hold(noStaleDiskAttached);
    const { old, successor } = await stage.moved();
    const record = await stage.record({ phase: 'Running', step: 'ungate', claims: [part({ source: { diskId: old }, target: { diskId: successor } })] });
    const look = () => invariant.onCall?.({ daemon: 0, action: 'DescribeDisks', parameters: { DiskIds: JSON.stringify([old]) } });
    const byHand = async (): Promise<void> => {
      stage.world.excuses.add(EXCUSES.diskAttachedByHand(old));
      await stage.attach(old);
      await stage.detach(old);
    };
    look();
    await byHand();
    await stage.change(record, { releasedPodUID: 'uid-of-the-pod' });
    look();
    await stage.attach(successor);
    expect(wrong).toEqual([]);
  });

  it('but not before it, nor when nobody looks', async () => {
    for (const looks of [true, false]) {
      const stage = await InvariantStage.begin();
      const { wrong, invariant } = stage.hold(noStaleDiskAttached);
      const { old, successor } = await stage.moved();
      const record = await stage.record({ phase: 'Running', step: 'ungate', claims: [part({ source: { diskId: old }, target: { diskId: successor } })] });
      stage.world.excuses.add(EXCUSES.diskAttachedByHand(old));
      await stage.attach(old);
      await stage.detach(old);
      if (looks) invariant.onCall?.({ daemon: 0, action: 'DescribeDisks', parameters: { DiskIds: JSON.stringify([old]) } });
      await stage.change(record, { releasedPodUID: 'uid-of-the-pod' });
      await stage.attach(successor);
      expect(wrong).toEqual([expect.stringMatching(/which has been attached since/)]);
    }
  });

  it('nor once a move has let its pod go to the successor, attached or not', async () => {
    const stage = await InvariantStage.begin();
    const { wrong } = stage.hold(noStaleDiskAttached);
    const { old, successor } = await stage.moved();
    const record = await stage.record({ phase: 'Running', step: 'ungate', claims: [part({ source: { diskId: old }, target: { diskId: successor } })] });
    await stage.attach(old);
    await stage.detach(old);
    expect(wrong).toEqual([]);
    await stage.change(record, { step: 'ready' });
    await stage.attach(old);
    expect(wrong).toEqual([`disk ${old} is attached again, and record web-1-bcdfg (Running Forward at ready) has let its pod go to disk ${successor}`]);
  });
});

async function reporter(stage: InvariantStage): Promise<(status: SpreadReportStatus) => Promise<void>> {
  const ref = { namespace: NAMESPACE, name: 'web' };
  await stage.do(stage.admin.create(spreadReports, { apiVersion: 'zonespread.io/v1alpha1', kind: 'SpreadReport', metadata: ref }));
  return async (status) => {
    await stage.do(stage.admin.mergePatch(spreadReports, ref, { status }, { subresource: 'status' }));
  };
}

const CALM_HISTORY: HistoryPlan = {
  seed: 5,
  cluster: {
    kubernetes: '1.36',
    zones: 3,
    nodesPerZone: 1,
    pace: CALM,
    cloud: { createDiskMs: 2_000, attachMs: 1_000, detachMs: 1_000, snapshotAvailableMs: 1_000, snapshotUploadMs: 20_000, callMs: 20, tagVisibilityLagMs: 5_000, listVisibilityLagMs: 0 },
    kubelet: { bootMs: 200, readyMs: 500, stopMs: 500, unmountMs: 100, writeMs: 2_000 },
    detachingSnapshots: 'refused',
  },
  sets: [
    {
      name: 'web',
      replicas: 3,
      start: 0,
      templates: ['data'],
      binding: 'WaitForFirstConsumer',
      reclaim: 'Delete',
      podManagement: 'OrderedReady',
      update: 'RollingUpdate',
      claimRetention: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      mayBeDown: 1,
      policy: { zones: 'cn-test-a,cn-test-b,cn-test-c', 'health-duration': '5s', 'source-retention': '2m', 'snapshot-retention': '1m' },
    },
  ],
  product: { daemons: 2, clockRates: [1], sweep: '*/1 * * * *', stepTimeoutMs: 120_000, coolDownMs: 60_000, atOnce: 1, lease: { durationMs: 15_000, retryMs: 2_000 } },
  faults: [],
  acts: [],
  troubleMs: 120_000,
};

function set(annotations: Record<string, string>, replicas = 1): StatefulSet {
  return {
    metadata: { name: 'web', namespace: NAMESPACE, annotations },
    spec: { replicas, serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'app:1' }] } } },
  };
}
