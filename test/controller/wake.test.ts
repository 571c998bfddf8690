import { describe, expect, it } from 'vitest';
import { moveKey, parseKey, setKey, wakeOnChange } from '../../src/controller/wake.ts';
import type { Waker } from '../../src/controller/queues.ts';
import { MIGRATION_LABEL } from '../../src/kubernetes/names.ts';
import { claims, disruptionBudgets, kruiseStatefulSets, namespaces, nodes, pods, statefulSets, volumeAttachments, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { disruptionBudget, NAMESPACE, node, statefulSet } from '../builders/kubernetes.ts';
import { claimRecord } from './records.ts';
import { Scene } from './scene.ts';

/** What is woken by a change, each with its delay. */
function woken(made: Scene, change: () => void): string[] {
  const keys: string[] = [];
  const queue: Waker = { add: (key) => void keys.push(key), addAfter: (key, ms) => void keys.push(`${key} in ${ms}`) };
  const end = wakeOnChange(made.watches, queue, { unlessOwn: (_record, act) => act(), forget: () => {} });
  change();
  end();
  return keys;
}

function scene(): Scene {
  const made = new Scene({ kruise: true });
  made.addSet({ zones: ['a', 'a'] });
  made.addRecord('running', { spec: { ordinal: 1 }, status: { phase: 'Running', nodeName: 'node-a', claims: [claimRecord({ claimName: 'data-web-1', source: { ...claimRecord().source, pv: 'disk-data-web-1' }, target: { pv: 'd-new' } })] } });
  made.addRecord('ended', { spec: { ordinal: 1 }, status: { phase: 'Succeeded' } });
  return made;
}

describe('what wakes what', () => {
  it('keeps namespace and name in its keys, whatever they are', () => {
    for (const key of [{ namespace: 'a-b', name: 'web-0' }, { namespace: 'a', name: 'x.y-1' }]) {
      expect(parseKey(setKey(key))).toEqual({ kind: 'set', ...key });
      expect(parseKey(moveKey(key))).toEqual({ kind: 'move', ...key });
    }
  });

  it('a set wakes itself and its moves under way', () => {
    const made = scene();
    const ref = { namespace: NAMESPACE, name: 'web' };
    expect(woken(made, () => made.annotate('web', { paused: 'true' }))).toEqual(['set db/web', 'move db/running']);
    expect(woken(made, () => made.api.remove(statefulSets, ref))).toEqual(['set db/web', 'move db/running']);
    expect(woken(made, () => made.api.put(kruiseStatefulSets, statefulSet()))).toEqual(['set db/web', 'move db/running']);
  });

  it('a record wakes itself and its set, at once when the set may go on', () => {
    const made = scene();
    const change = (name: string) => woken(made, () => made.api.change(ordinalMigrations, { namespace: NAMESPACE, name }, (record) => (record.metadata.labels = { x: String(made.random.next()) })));
    expect(change('running')).toEqual(['move db/running', 'set db/web in 500']);
    expect(change('ended')).toEqual(['move db/ended', 'set db/web in 0']);
    expect(woken(made, () => made.api.remove(ordinalMigrations, { namespace: NAMESPACE, name: 'running' }))).toEqual(['set db/web in 500']);
  });

  it('a pod wakes its own move at once, and its set when the swarm has settled', () => {
    const made = scene();
    expect(woken(made, () => made.api.remove(pods, { namespace: NAMESPACE, name: 'web-1' }))).toEqual(['move db/running', 'set db/web in 500']);
    expect(woken(made, () => made.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' }))).toEqual(['set db/web in 500']);
  });

  it('a placeholder wakes the move that it holds room for', () => {
    const made = scene();
    const uid = made.api.read(ordinalMigrations, { namespace: NAMESPACE, name: 'running' })?.metadata.uid ?? '';
    const labels = { [MIGRATION_LABEL]: uid };
    expect(woken(made, () => made.api.put(pods, { metadata: { namespace: NAMESPACE, name: 'zonespread-1', labels }, spec: {} }))).toEqual(['move db/running']);
  });

  it("claims, volumes, attachments and the node wake the moves that they are about", () => {
    const made = scene();
    expect(woken(made, () => made.api.remove(claims, { namespace: NAMESPACE, name: 'data-web-1' }))).toEqual(['move db/running']);
    expect(woken(made, () => made.api.remove(claims, { namespace: NAMESPACE, name: 'data-web-0' }))).toEqual([]);
    expect(woken(made, () => made.api.remove(volumes, { name: 'disk-data-web-1' }))).toEqual(['move db/running']);
    expect(woken(made, () => made.api.put(volumeAttachments, { metadata: { name: 'x' }, spec: { attacher: 'x', nodeName: 'n', source: { persistentVolumeName: 'd-new' } } }))).toEqual(['move db/running']);
    expect(woken(made, () => made.api.change(nodes, { name: 'node-a' }, (object) => (object.status = { ...object.status, volumesInUse: ['x'] })))).toEqual(['move db/running']);
  });

  it('a node wakes the sets when it matters to a plan; a heartbeat does not', () => {
    const made = scene();
    expect(woken(made, () => made.api.change(nodes, { name: 'node-b' }, (object) => (object.metadata.annotations = { beat: '1' })))).toEqual([]);
    expect(woken(made, () => made.api.change(nodes, { name: 'node-b' }, (object) => (object.spec.unschedulable = true)))).toEqual(['set db/web in 5000']);
    expect(woken(made, () => made.api.put(nodes, node({ zone: 'd' })))).toEqual(['set db/web in 5000']);
  });

  it('a budget and a namespace wake the sets of the namespace', () => {
    const made = scene();
    expect(woken(made, () => made.api.put(disruptionBudgets, disruptionBudget()))).toEqual(['set db/web in 500']);
    expect(woken(made, () => made.api.change(namespaces, { name: NAMESPACE }, (object) => (object.metadata.annotations = { 'zonespread.io/zones': 'a' })))).toEqual(['set db/web in 500', 'move db/running']);
  });

  it('a move is not woken by what its own visits have written, its set is', () => {
    const made = scene();
    const keys: string[] = [];
    const queue: Waker = { add: (key) => void keys.push(key), addAfter: (key) => void keys.push(key) };
    const end = wakeOnChange(made.watches, queue, { unlessOwn: () => {}, forget: () => {} });
    made.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'running' }, (object) => void ((object.status ??= {}).progress = 50));
    end();
    expect(keys).toEqual(['set db/web']);
  });

  it('nothing is woken by the reports that the daemon writes itself', async () => {
    const made = scene();
    const keys: string[] = [];
    const queue: Waker = { add: (key) => void keys.push(key), addAfter: (key) => void keys.push(key) };
    made.annotate('web', { paused: 'true' });
    const end = wakeOnChange(made.watches, queue, { unlessOwn: (_record, act) => act(), forget: () => {} });
    await made.work();
    end();
    expect(made.report()).toBeDefined();
    expect(keys).toEqual([]);
  });
});
