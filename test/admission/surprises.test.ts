// What is legal and surprising is allowed and remarked on; what a person makes by hand is checked for what can be known at once.

import { describe, expect, test, vi } from 'vitest';
import { createDesk } from '../../src/admission/desk.ts';
import { judge, VALIDATING, type Judgement } from '../../src/admission/judge.ts';
import type { Review } from '../../src/admission/review.ts';
import type { World } from '../../src/admission/rules/rule.ts';
import type { EventContent } from '../../src/kubernetes/event-recorder.ts';
import type { KubernetesObject, PodDisruptionBudget, StatefulSet } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigrationSpec } from '../../src/migration/record.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { claim, creating, DAEMON, deleting, migration, MIGRATION, MIGRATION_UID, NAMESPACE, onTheWire, scaleOf, statefulSet, updating, volume, world, type WorldParts } from './builders.ts';

function decide(review: Review, within: World): Judgement['decision'] {
  const { decision, failures } = judge(VALIDATING, review, within);
  expect(failures).toEqual([]);
  return decision;
}
const verdict = (review: Review, within: World): string => {
  const decision = decide(review, within);
  return decision.kind === 'deny' ? decision.rule : 'allow';
};

const ZONES = ['a', 'b', 'c'];
const budget = (spec: PodDisruptionBudget['spec']): PodDisruptionBudget => ({ metadata: { name: 'web', namespace: NAMESPACE }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } });
const declaring = (annotations: Record<string, string>, spec: Partial<StatefulSet['spec']> = {}): StatefulSet =>
  statefulSet({ metadata: { annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`zonespread.io/${key}`, value])) }, spec: { podManagementPolicy: 'Parallel', ...spec } });

describe('a zone without a node', () => {
  const within = world({ records: [], zones: ZONES });

  test('in the policy of a set is remarked on once, not refused', () => {
    const decision = decide(creating(declaring({ zones: 'a,z' })), within);
    expect(decision).toMatchObject({ kind: 'allow', rule: 'policy' });
    expect(decision.warnings.join()).toContain('no node is in z (zones with nodes: a, b, c)');
    expect(decide(updating(declaring({ zones: 'a,z' }), declaring({ zones: 'a,z', 'max-skew': '2' })), within).warnings).toEqual([]);
  });

  test('in the defaults of a namespace too', () => {
    const decision = decide(creating({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, annotations: { 'zonespread.io/zones': 'z' } } }), within);
    expect(decision.warnings.join()).toContain('Namespace annotation zonespread.io/zones: no node is in z');
  });

  test.each([
    ['all zones have nodes', declaring({ zones: 'a,b' }), ZONES],
    ['every zone is meant', declaring({ zones: '*' }), ZONES],
    ['nobody knows the nodes yet', declaring({ zones: 'z' }), []],
  ])('is none when %s', (_when, set, zones) => {
    expect(decide(creating(set), world({ records: [], zones })).warnings).toEqual([]);
  });

  test.each([
    ['names zones', declaring({ zones: 'a,b' }), 1],
    ['means every zone', declaring({ zones: '*' }), 0],
    ['is none', declaring({}), 0],
  ])('is looked for only where the policy names zones: this one %s', (_what, set, times) => {
    const known = vi.fn<() => Set<string>>(() => new Set(ZONES));
    decide(creating(set), { ...world({ records: [] }), zones: { known } });
    expect(known).toHaveBeenCalledTimes(times);
  });
});

describe('more pods at once than a disruption budget lets go', () => {
  test.each<[string, PodDisruptionBudget['spec'], string, string]>([
    ['a number', { maxUnavailable: 1 }, '2', 'lets only 1 of its pods go at once'],
    ['a percentage, rounded up as Kubernetes does', { maxUnavailable: '30%' }, '3', 'lets only 2 of its pods'],
    ['those that must stay', { minAvailable: 5 }, '2', 'lets only 1 of its pods'],
    ['those that must stay, in per cent', { minAvailable: '50%' }, '4', 'lets only 3 of its pods'],
    ['all must stay', { minAvailable: '100%' }, '1', 'lets no pod of this set be evicted'],
  ])('%s', (_what, spec, wanted, said) => {
    const decision = decide(creating(declaring({ zones: 'a,b', 'max-unavailable': wanted })), world({ records: [], budgets: [budget(spec)] }));
    expect(decision).toMatchObject({ kind: 'allow' });
    expect(decision.warnings.join()).toContain(said);
  });

  test.each<[string, StatefulSet, PodDisruptionBudget]>([
    ['the budget lets them go', declaring({ zones: 'a,b', 'max-unavailable': '2' }), budget({ maxUnavailable: 2 })],
    ['the budget is about other pods', declaring({ zones: 'a,b', 'max-unavailable': '2' }), budget({ maxUnavailable: 1, selector: { matchLabels: { app: 'other' } } })],
    ['the set declares nothing', declaring({}), budget({ maxUnavailable: 0 })],
    ['the budget says nothing', declaring({ zones: 'a,b', 'max-unavailable': '2' }), budget({})],
  ])('is none when %s', (_when, set, one) => {
    expect(decide(creating(set), world({ records: [], budgets: [one] })).warnings).toEqual([]);
  });
});

describe('a record made by hand', () => {
  const known: WorldParts = { records: [], zones: ZONES, sets: { 'shop/web': { start: 0, replicas: 6, override: undefined } } };
  const making = (spec: Partial<OrdinalMigrationSpec> = {}, by = 'jane'): Review => creating(migration({ metadata: { name: 'by-hand', uid: 'new' }, spec: { reason: 'Manual', ...spec }, status: { phase: 'Pending', claims: [] } }), { by });
  const pending = migration({ metadata: { name: 'web-2-first', uid: 'first' }, status: { phase: 'Pending', claims: [] } });

  test.each<[string, Review, WorldParts, string]>([
    ['is taken', making(), known, 'allow'],
    ['for an ordinal that there is not', making({ ordinal: 6 }), known, 'hand-made-ordinal'],
    ['for an ordinal below the first', making({ ordinal: 2 }), { ...known, sets: { 'shop/web': { start: 3, replicas: 6, override: undefined } } }, 'hand-made-ordinal'],
    ['for a zone without nodes', making({ targetZone: 'z' }), known, 'hand-made-zone'],
    ['for what cannot be a zone', making({ targetZone: 'a b' }), { ...known, zones: [] }, 'hand-made-zone'],
    ['for an ordinal that is being moved', making(), { ...known, records: [migration()] }, 'hand-made-twice'],
    ['for an ordinal that another record waits to move', making(), { ...known, records: [pending] }, 'hand-made-twice'],
    ['for an ordinal of which a move has ended', making(), { ...known, records: [migration({ status: { phase: 'Succeeded' } })] }, 'allow'],
    ['for another ordinal of the set', making({ ordinal: 3 }), { ...known, records: [migration()] }, 'allow'],
    ['as a reverse, which is exempt from guards', making({ reason: 'Reverse' }), known, 'hand-made-reverse'],
    ['by the daemon, which has looked live', making({ ordinal: 9, reason: 'Reverse' }, DAEMON), known, 'allow'],
    ['by the daemon under a name that people use too', making({ ordinal: 9, reason: 'Spread' }, 'admin'), { ...known, controller: { username: 'admin', dedicated: false } }, 'allow'],
    ['by a person of the daemon\'s name', making({ ordinal: 9 }, 'admin'), { ...known, controller: { username: 'admin', dedicated: false } }, 'hand-made-ordinal'],
    ['for a set of OpenKruise, which nobody watches here', making({ ordinal: 9, statefulSetRef: { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web' } }), known, 'allow'],
  ])('%s', (_what, review, parts, expected) => {
    expect(verdict(review, world(parts))).toBe(expected);
  });

  test('says what there is instead', () => {
    expect(decide(making({ ordinal: 9 }), world(known))).toMatchObject({ message: expect.stringContaining('StatefulSet web has no ordinal 9 (it has 0 to 5)') });
    expect(decide(making({ targetZone: 'z' }), world(known))).toMatchObject({ message: expect.stringContaining('zones with nodes are a, b, c') });
    expect(decide(making(), world({ ...known, records: [pending] }))).toMatchObject({ message: expect.stringContaining('kubectl delete om web-2-first -n shop') });
  });

  test('for a set that nobody has seen yet is taken with a remark', () => {
    const decision = decide(making(), world({ ...known, sets: {} }));
    expect(decision).toMatchObject({ kind: 'allow' });
    expect(decision.warnings.join()).toContain('no StatefulSet shop/web is known yet');
  });
});

describe('an evacuation', () => {
  const evacuating = (zone: string): Review => creating({ apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'out' }, spec: { zone } });
  const within = world({ records: [], zones: ZONES });

  test('of what cannot be a zone is refused', () => {
    expect(verdict(evacuating('a b'), within)).toBe('evacuation-zone');
  });
  test('of a zone without nodes is remarked on: they may be gone already', () => {
    expect(decide(evacuating('z'), within)).toMatchObject({ kind: 'allow', warnings: [expect.stringContaining('no node is in zone z')] });
    expect(decide(evacuating('a'), within).warnings).toEqual([]);
  });
});

describe('the status of our kinds is the daemon\'s:', () => {
  const ours: [string, KubernetesObject][] = [
    ['SpreadReport', { apiVersion: 'zonespread.io/v1alpha1', kind: 'SpreadReport', metadata: { name: 'web', namespace: NAMESPACE }, status: { skew: 1 } }],
    ['ZoneEvacuation', { apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'out' }, spec: { zone: 'a' }, status: { disksLeft: 1 } }],
    ['a pending OrdinalMigration', migration({ status: { phase: 'Pending' } })],
    ['an ended OrdinalMigration', migration({ status: { phase: 'Succeeded' } })],
  ];
  const edited = (object: KubernetesObject): KubernetesObject => ({ ...object, status: { ...(object.status as object), planted: true } });

  test.each(ours)('%s', (_what, object) => {
    const by = (name: string): Review => updating(object, edited(object), { by: name, subResource: 'status' });
    expect(verdict(by('jane'), world())).toBe('status');
    expect(verdict(by(DAEMON), world())).toBe('allow');
    expect(verdict(by('admin'), world({ controller: { username: 'admin', dedicated: false } }))).toBe('allow');
    expect(verdict(updating(object, object, { subResource: 'status' }), world())).toBe('allow');
  });
});

describe('what is kept after a move', () => {
  const records = [migration({ status: { phase: 'Succeeded' } })];

  test.each<[string, Review]>([
    ['deleting the volume', deleting(volume())],
    ['setting it to Delete', updating(volume(), volume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }))],
  ])('%s is remarked on', (_what, review) => {
    expect(decide(review, world({ records }))).toMatchObject({ kind: 'allow', rule: 'volume-kept', warnings: [expect.stringContaining('the way back to the old disk')] });
    expect(decide(review, world({ records: [] })).warnings, 'once it is released').toEqual([]);
  });

  test('using the volume again is nobody\'s business', () => {
    expect(decide(updating(volume(), volume({ spec: { claimRef: { namespace: NAMESPACE, name: 'forensics' } } })), world({ records })).warnings).toEqual([]);
  });

  test('deleting the record, which releases it, is remarked on', () => {
    expect(decide(deleting(records[0]!), world({ records }))).toMatchObject({ kind: 'allow', warnings: [expect.stringContaining('still keeps PV d-old')] });
  });
});

describe('the label of a namespace with something in flight', () => {
  const namespace = (labels: Record<string, string>, annotations: Record<string, string> = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels, annotations } });
  const marked = namespace({ 'zonespread.io/in-flight': 'true', team: 'x' });
  const takingOff = (by: string, annotations = {}): Review => ({ ...updating(marked, namespace({ team: 'x' }, annotations), { by }), namespace: NAMESPACE });

  test.each<[string, Review, WorldParts, string]>([
    ['stays while there is something', takingOff('jane'), {}, 'namespace-label'],
    ['stays whoever tidies up in kube-system', takingOff('system:serviceaccount:kube-system:installer'), {}, 'namespace-label'],
    ['is taken off by the daemon', takingOff(DAEMON), {}, 'allow'],
    ['goes when nothing is in flight', takingOff('jane'), { records: [] }, 'allow'],
    ['goes when the namespace goes', takingOff('jane'), { namespaces: { [NAMESPACE]: { terminating: true } } }, 'allow'],
    ['goes over an override', takingOff('jane', { 'zonespread.io/override': MIGRATION }), {}, 'allow'],
    ['does not stand in the way of other labels', { ...updating(marked, namespace({ 'zonespread.io/in-flight': 'true' })), namespace: NAMESPACE }, {}, 'allow'],
  ])('%s', (_what, review, parts, expected) => {
    expect(verdict(review, world(parts))).toBe(expected);
  });
});

describe('what else runs in kube-system is known by what it does:', () => {
  const by = { by: 'system:serviceaccount:kube-system:something' };

  test.each<[string, Review, string]>([
    ['an installer does not delete the set', deleting(statefulSet(), by), 'set-delete'],
    ['nor scale the ordinal away', updating(statefulSet(), statefulSet({ spec: { replicas: 0 } }), by), 'set-scale'],
    ['nor delete the claim', deleting(claim(), by), 'claim-delete'],
    ['nor the volume', deleting(volume(), by), 'volume-delete'],
    ['a provisioner deletes a volume that Kubernetes has given up', deleting({ ...volume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }), status: { phase: 'Released' } }, by), 'allow'],
    ['a resizer says how large a disk has become', updating(volume(), volume({ spec: { capacity: { storage: '40Gi' } } }), by), 'allow'],
    ['a provisioner takes its finalizer off', updating(volume(), volume({ metadata: { finalizers: [] } }), by), 'allow'],
  ])('%s', (_what, review, expected) => {
    expect(verdict(review, world())).toBe(expected);
  });
});

describe('an override by a person', () => {
  const told = (review: Review): { events: string[]; labels: unknown[]; log: FakeLog } => {
    const events: string[] = [];
    const labels: unknown[] = [];
    const log = new FakeLog();
    const record = (object: KubernetesObject, { type, reason, message }: EventContent): void => void events.push(`${object.kind} ${object.metadata.name} (${object.metadata.uid}): ${type} ${reason}: ${message}`);
    const records = [migration({ status: { statefulSetUID: 'uid-set' }, metadata: { annotations: { 'zonespread.io/override': MIGRATION } } })];
    const desk = createDesk({ world: world({ records }), clock: new FakeClock('2026-11-21T10:00:00Z'), log, metrics: { reviewed: (one) => void labels.push(one) }, events: { record } });
    desk.answer('/validate', onTheWire(review));
    return { events, labels, log };
  };

  test('is logged, counted with its rule, and an event on the record and on the set',  () => {
    const { events, labels, log } = told(updating(scaleOf(6), scaleOf(0)));
    const message = `jane overrode the guard of migration ${MIGRATION} (rule scale): UPDATE of Scale shop/web`;
    expect(events).toEqual([`OrdinalMigration ${MIGRATION} (${MIGRATION_UID}): Warning GuardOverridden: ${message}`, `StatefulSet web (uid-set): Warning GuardOverridden: ${message}`]);
    expect(labels).toEqual([{ kind: 'Scale', operation: 'UPDATE', decision: 'override', rule: 'scale' }]);
    expect(log.messages('warn')).toEqual(['a person overrode the guard of a migration']);
  });

  test('in a dry run changes nothing, so no event tells of it',  () => {
    expect(told(updating(scaleOf(6), scaleOf(0), { dryRun: true })).events).toEqual([]);
  });
});
