// Who may change or delete what, while an ordinal is in flight: actor × verb × object.

import { describe, expect, test } from 'vitest';
import { judge, VALIDATING, type Judgement } from '../../src/admission/judge.ts';
import type { Review } from '../../src/admission/review.ts';
import type { World } from '../../src/admission/rules/rule.ts';
import type { OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { claim, CLAIM, creating, DAEMON, deleting, migration, MIGRATION, MIGRATION_UID, NAMESPACE, scaleOf, statefulSet, updating, volume, world, type Asked, type WorldParts } from './builders.ts';

function decide(review: Review, within: World = world()): Judgement['decision'] {
  const { decision, failures } = judge(VALIDATING, review, within);
  expect(failures).toEqual([]);
  return decision;
}

const verdict = (review: Review, within?: World): string => {
  const decision = decide(review, within);
  return decision.kind === 'deny' ? `deny:${decision.rule}` : 'allow';
};

/** The daemon goes by a name that people use too (outside a cluster). */
const SHARED: WorldParts = { controller: { username: 'kubernetes-admin', dedicated: false } };
const UNKNOWN: WorldParts = { controller: undefined };
const BACK: Partial<OrdinalMigrationStatus> = { phase: 'RollingBack', course: 'Undo', step: 'swapClaim' };

const ACTORS: Record<string, Asked> = {
  person: { by: 'jane' },
  gitops: { by: 'system:serviceaccount:argocd:controller' },
  daemon: { by: DAEMON },
  controllerManager: { by: 'system:kube-controller-manager' },
  claimProtection: { by: 'system:serviceaccount:kube-system:pvc-protection-controller' },
  kubelet: { by: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] },
};
const LET_THROUGH = new Set(['daemon', 'controllerManager', 'claimProtection', 'kubelet']);

const FORBIDDEN: [string, (asked: Asked) => Review, string][] = [
  ['deleting the claim', (asked) => deleting(claim(), asked), 'deny:claim-delete'],
  ['growing the claim', (asked) => updating(claim(), claim({ spec: { resources: { requests: { storage: '40Gi' } } } }), asked), 'deny:claim-update'],
  ['giving the claim another attributes class', (asked) => updating(claim(), claim({ spec: { volumeAttributesClassName: 'fast' } }), asked), 'deny:claim-update'],
  ['binding the claim to another volume', (asked) => updating(claim({ spec: { volumeName: '' } }), claim({ spec: { volumeName: 'theirs' } }), asked), 'deny:claim-update'],
  ['taking our label off the claim', (asked) => updating(claim(), claim({ metadata: { labels: {} } }), asked), 'deny:claim-update'],
  ['having the claim bound anew', (asked) => updating(claim(), claim({ metadata: { annotations: {} } }), asked), 'deny:claim-update'],
  ['deleting the old volume', (asked) => deleting(volume(), asked), 'deny:volume-delete'],
  ['deleting the new volume', (asked) => deleting(volume({ metadata: { name: 'd-new', uid: 'uid-pv-new' } }), asked), 'deny:volume-delete'],
  ['setting the old volume to Delete', (asked) => updating(volume(), volume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }), asked), 'deny:volume-update'],
  ['taking the claim off the volume', (asked) => updating(volume(), withoutClaimRef(), asked), 'deny:volume-update'],
  ['giving the volume to another claim', (asked) => updating(volume(), volume({ spec: { claimRef: { namespace: 'x', name: 'y' } } }), asked), 'deny:volume-update'],
  ['clearing the UID of the bound claim', (asked) => updating(volume(), volume({ spec: { claimRef: { namespace: NAMESPACE, name: 'data-web-2' } } }), asked), 'deny:volume-update'],
  ['changing the capacity of the volume', (asked) => updating(volume(), volume({ spec: { capacity: { storage: '40Gi' } } }), asked), 'deny:volume-update'],
  ['taking our label off the volume', (asked) => updating(volume(), volume({ metadata: { labels: {} } }), asked), 'deny:volume-update'],
  ['deleting the set', (asked) => deleting(statefulSet(), asked), 'deny:set-delete'],
  ['scaling the ordinal away by an update', (asked) => updating(statefulSet(), statefulSet({ spec: { replicas: 2 } }), asked), 'deny:set-scale'],
  ['moving the first ordinal', (asked) => updating(statefulSet(), statefulSet({ spec: { ordinals: { start: 1 } } }), asked), 'deny:set-ordinals'],
  ['changing what happens to claims', (asked) => updating(statefulSet(), statefulSet({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } } }), asked), 'deny:set-retention'],
  ['deleting the record', (asked) => deleting(migration(), asked), 'deny:migration-delete'],
  ['taking our finalizer off the record', (asked) => updating(migration(), migration({ metadata: { finalizers: [] } }), asked), 'deny:migration-finalizer'],
  ['writing the status of the record', (asked) => updating(migration(), migration({ status: { step: 'settle' } }), { ...asked, subResource: 'status' }), 'deny:migration-status'],
];

function withoutClaimRef(): ReturnType<typeof volume> {
  const { claimRef: _none, ...spec } = volume().spec;
  return { ...volume(), spec };
}

describe('while the ordinal is in flight', () => {
  const cells = FORBIDDEN.flatMap(([what, review, denied]) => Object.entries(ACTORS).map(([actor, asked]) => ({ what, actor, review: review(asked), expected: LET_THROUGH.has(actor) ? 'allow' : denied })));

  test.each(cells)('$what by $actor: $expected', ({ review, expected }) => {
    expect(verdict(review)).toBe(expected);
  });

  const ALWAYS = 'writing the status of the record';
  test.each(FORBIDDEN.filter(([what]) => what !== ALWAYS))('%s is free when nothing is in flight', (_what, review) => {
    const ended = migration({ status: { phase: 'Succeeded' } });
    const asked = review({ by: 'jane' });
    // The record itself says whether it is in flight.
    const about = asked.kind.kind === 'OrdinalMigration' ? { ...asked, oldObject: ended } : asked;
    expect(verdict(about, world({ records: [ended] }))).toBe('allow');
  });

  test.each(FORBIDDEN)('%s is free in a namespace that is being deleted', (_what, review) => {
    expect(verdict(review({ by: 'jane' }), world({ namespaces: { [NAMESPACE]: { terminating: true } } }))).toBe('allow');
  });

  test.each(FORBIDDEN)('%s goes through with an override by name on the object, with a warning', (_what, review) => {
    const asked = review({ by: 'jane' });
    const annotations = { 'zonespread.io/override': MIGRATION };
    const object = asked.object === undefined ? undefined : { ...asked.object, metadata: { ...asked.object.metadata, annotations: { ...asked.object.metadata.annotations, ...annotations } } };
    const oldObject = object === undefined && asked.oldObject !== undefined ? { ...asked.oldObject, metadata: { ...asked.oldObject.metadata, annotations } } : asked.oldObject;
    const decision = decide({ ...asked, object, oldObject });
    expect(decision).toMatchObject({ kind: 'allow', overrides: `${NAMESPACE}/${MIGRATION}` });
    expect(decision.warnings.join()).toContain('was overridden');
  });

  test.each(FORBIDDEN)('%s does not go through with an override of another migration', (_what, review, denied) => {
    const asked = review({ by: 'jane' });
    const annotations = { 'zonespread.io/override': 'web-2-other' };
    const oldObject = asked.oldObject === undefined ? undefined : { ...asked.oldObject, metadata: { ...asked.oldObject.metadata, annotations: { ...asked.oldObject.metadata.annotations, ...annotations } } };
    expect(verdict({ ...asked, oldObject })).toBe(denied);
  });
});

describe('a refusal says', () => {
  test('who holds it, why, and what to do instead', () => {
    const decision = decide(deleting(claim()));
    if (decision.kind !== 'deny') throw new Error('it was allowed');
    expect(decision).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(decision.message).toContain('PersistentVolumeClaim shop/data-web-2: deleting this claim');
    expect(decision.message).toContain('OrdinalMigration shop/web-2-bcdfg is moving ordinal 2 of web from a to b (Running, step detach)');
    expect(decision.message).toContain('kubectl annotate om web-2-bcdfg -n shop zonespread.io/request=abort');
    expect(decision.message).toContain('zonespread.io/override: web-2-bcdfg');
  });

  test('the numbers of a scaling', () => {
    const decision = decide(updating(scaleOf(6), scaleOf(1)));
    expect(decision).toMatchObject({ kind: 'deny', message: expect.stringContaining('StatefulSet shop/web: scaling from 6 to 1 replicas would take ordinal 2 away') });
  });
});

describe('nobody is kept from', () => {
  const ALLOWED: [string, Review][] = [
    ['scaling up', updating(scaleOf(3), scaleOf(9))],
    ['scaling other ordinals away', updating(scaleOf(6), scaleOf(3))],
    ['scaling up by an update', updating(statefulSet(), statefulSet({ spec: { replicas: 9 } }))],
    ['scaling down as far as the next ordinal by an update', updating(statefulSet(), statefulSet({ spec: { replicas: 3 } }))],
    ['scaling further what does not have the ordinal any more', updating(statefulSet({ spec: { replicas: 2 } }), statefulSet({ spec: { replicas: 1 } }))],
    ['writing the default retention policy out', updating(statefulSet(), statefulSet({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } } }))],
    ['annotating the set', updating(statefulSet(), statefulSet({ metadata: { annotations: { a: 'b' } } }))],
    ['deleting another set', deleting(statefulSet({ metadata: { name: 'other' } }))],
    ['deleting an OpenKruise set of the same name', deleting(statefulSet({ apiVersion: 'apps.kruise.io/v1beta1' }))],
    ['deleting the claim of another ordinal', deleting(claim({ metadata: { name: 'data-web-3', labels: {} } }))],
    ['growing the claim of another ordinal', updating(claim({ metadata: { name: 'data-web-3', labels: {} } }), claim({ metadata: { name: 'data-web-3', labels: {} }, spec: { resources: { requests: { storage: '40Gi' } } } }))],
    ['deleting a claim that is being deleted', deleting(claim({ metadata: { deletionTimestamp: '2026-11-20T10:00:00Z' } }))],
    ['finishing the deletion of a volume', deleting(volume({ metadata: { deletionTimestamp: '2026-11-20T10:00:00Z' } }))],
    ['deleting another volume', deleting(volume({ metadata: { name: 'd-other', labels: {} } }))],
    ['deleting a volume whose migration has ended', deleting(volume({ metadata: { name: 'd-retained', labels: { 'zonespread.io/migration': 'uid-of-an-ended-one' } } }))],
    ['annotating the claim', updating(claim(), claim({ metadata: { annotations: { ...claim().metadata.annotations, note: 'x' } } }))],
    ['annotating the record', updating(migration(), migration({ metadata: { annotations: { 'zonespread.io/request': 'abort' } } }))],
    ['putting a finalizer of their own on the record', updating(migration(), migration({ metadata: { finalizers: ['zonespread.io/migration', 'a.example/b'] } }))],
    ['deleting a pending record', deleting(migration({ status: { phase: 'Pending' } }))],
    ['deleting an ended record that keeps nothing', deleting(migration({ metadata: { finalizers: [] }, status: { phase: 'RolledBack' } }))],
  ];

  test.each(ALLOWED)('%s', (_what, review) => {
    expect(decide(review)).toMatchObject({ kind: 'allow', warnings: [] });
  });

  test('rolling out a new template, which is warned about', () => {
    const decision = decide(updating(statefulSet(), statefulSet({ spec: { template: { spec: { containers: [{ name: 'main', image: 'b' }] } } } })));
    expect(decision).toMatchObject({ kind: 'allow', rule: 'set-template' });
    expect(decision.warnings.join()).toContain('ordinal 2 is being moved');
  });
});

describe('controllers outside kube-system are known by what they do:', () => {
  const by = { by: 'system:serviceaccount:csi:external-anything' };

  test.each([
    ['a provisioner takes its finalizer off the volume', updating(volume(), volume({ metadata: { finalizers: [] } }), by)],
    ['an attacher puts its finalizer on the volume', updating(volume(), volume({ metadata: { finalizers: ['kubernetes.io/pv-protection', 'external-attacher/x'] } }), by)],
    ['a controller takes its finalizer off the claim', updating(claim({ metadata: { finalizers: ['a'] } }), claim({ metadata: { finalizers: [] } }), by)],
    ['a binder fills in the volume that we steer to', updating(claim({ spec: { volumeName: '' } }), claim(), by)],
    ['a binder fills in the claim', updating(volume({ spec: { claimRef: { namespace: NAMESPACE, name: 'data-web-2' } } }), volume(), by)],
    ['OpenKruise owns the claim', updating(claim(), claim({ metadata: { ownerReferences: [{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web', uid: 'u' }] } }), by)],
  ])('%s', (_what, review) => {
    expect(verdict(review)).toBe('allow');
  });
});

describe('an autoscaler of Kubernetes is a client like any other:', () => {
  test.each(['system:serviceaccount:kube-system:horizontal-pod-autoscaler', 'system:kube-controller-manager', 'keda'])('%s does not scale the ordinal away', (by) => {
    expect(verdict(updating(scaleOf(6), scaleOf(2), { by }))).toBe('deny:scale');
    expect(verdict(updating(scaleOf(6), scaleOf(undefined), { by }))).toBe('deny:scale');
    expect(verdict(updating(scaleOf(6), scaleOf(4), { by }))).toBe('allow');
  });
});

describe('the scale subresource, which does not show everything', () => {
  const starts = (start: number): WorldParts => ({ sets: { 'shop/web': { start, replicas: 6, override: undefined } }, records: [migration({ spec: { ordinal: 12 } })] });

  test('counts from the first ordinal of the set', () => {
    expect(verdict(updating(scaleOf(6), scaleOf(3)), world(starts(10)))).toBe('allow');
    expect(verdict(updating(scaleOf(6), scaleOf(2)), world(starts(10)))).toBe('deny:scale');
  });

  test('refuses rather too much while the set has not been seen', () => {
    expect(verdict(updating(scaleOf(20), scaleOf(13)), world({ ...starts(0), sets: {} }))).toBe('allow');
    expect(verdict(updating(scaleOf(20), scaleOf(12)), world({ ...starts(0), sets: {} }))).toBe('deny:scale');
  });

  test('takes the override from the set, or from the record', () => {
    const onSet = world({ sets: { 'shop/web': { start: 0, replicas: 6, override: MIGRATION } } });
    const onRecord = world({ records: [migration({ metadata: { annotations: { 'zonespread.io/override': MIGRATION } } })] });
    expect(decide(updating(scaleOf(6), scaleOf(0)), onSet)).toMatchObject({ kind: 'allow', overrides: `shop/${MIGRATION}` });
    expect(decide(updating(scaleOf(6), scaleOf(0)), onRecord)).toMatchObject({ kind: 'allow', overrides: `shop/${MIGRATION}` });
  });
});

describe('two ordinals of a set in flight', () => {
  const records = [migration(), migration({ metadata: { name: 'web-5-hjklm', uid: 'uid-5' }, spec: { ordinal: 5 }, status: { claims: [] } })];

  test('an override of one does not let the other be taken away', () => {
    const override = (value: string): Record<string, string> => ({ 'zonespread.io/override': value });
    expect(verdict(updating(statefulSet(), statefulSet({ spec: { replicas: 0 }, metadata: { annotations: override(MIGRATION) } })), world({ records }))).toBe('deny:set-scale');
    expect(verdict(deleting(statefulSet({ metadata: { annotations: override(MIGRATION) } })), world({ records }))).toBe('deny:set-delete');
    expect(verdict(deleting(statefulSet({ metadata: { annotations: override(`${MIGRATION}, web-5-hjklm`) } })), world({ records }))).toBe('allow');
  });
});

describe('reserved ordinals of OpenKruise', () => {
  const kruise = (spec: object): ReturnType<typeof statefulSet> => statefulSet({ apiVersion: 'apps.kruise.io/v1beta1', spec });
  const records = [migration({ spec: { statefulSetRef: { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web' }, ordinal: 2 } })];

  test.each([
    ['reserving the ordinal takes it away', { replicas: 6 }, { replicas: 6, reserveOrdinals: [2] }, 'deny:set-scale'],
    ['reserving a range with it takes it away', { replicas: 6 }, { replicas: 6, reserveOrdinals: ['1-3'] }, 'deny:set-scale'],
    ['no longer reserving a lower one takes it away', { replicas: 2, reserveOrdinals: [0] }, { replicas: 2, reserveOrdinals: [] }, 'deny:set-scale'],
    ['reserving a higher one does not', { replicas: 6 }, { replicas: 6, reserveOrdinals: [4] }, 'allow'],
  ])('%s', (_what, before, after, expected) => {
    expect(verdict(updating(kruise(before), kruise(after)), world({ records }))).toBe(expected);
  });
});

describe('where the daemon shares its name with people', () => {
  const admin = { by: 'kubernetes-admin' };
  const within = (status: Partial<OrdinalMigrationStatus>): World => world({ ...SHARED, records: [migration({ status })] });

  test.each([
    ['deletes the claim without naming its UID', deleting(claim(), admin), {}, 'deny:claim-delete'],
    ['deletes the claim with the UID that is recorded', deleting(claim(), { ...admin, uidPrecondition: 'uid-claim-old' }), {}, 'allow'],
    ['deletes the new claim with its UID while going forward', deleting(claim({ metadata: { uid: 'uid-claim-new' } }), { ...admin, uidPrecondition: 'uid-claim-new' }), { step: 'ready' }, 'deny:claim-delete'],
    ['deletes the new claim with its UID in an undo of the swap', deleting(claim({ metadata: { uid: 'uid-claim-new' } }), { ...admin, uidPrecondition: 'uid-claim-new' }), BACK, 'allow'],
    ['deletes the new claim without its UID in an undo of the swap', deleting(claim({ metadata: { uid: 'uid-claim-new' } }), admin), BACK, 'deny:claim-delete'],
    ['deletes the new volume with its UID', deleting(volume({ metadata: { name: 'd-new', uid: 'uid-pv-new' } }), { ...admin, uidPrecondition: 'uid-pv-new' }), BACK, 'allow'],
    ['deletes the new volume without its UID', deleting(volume({ metadata: { name: 'd-new', uid: 'uid-pv-new' } }), admin), BACK, 'deny:volume-delete'],
    ['deletes the old volume with its UID', deleting(volume(), { ...admin, uidPrecondition: 'uid-pv-old' }), BACK, 'deny:volume-delete'],
    ['flips the reclaim policy', updating(volume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }), volume(), admin), {}, 'allow'],
    ['frees the old volume', updating(volume(), volume({ spec: { claimRef: { namespace: NAMESPACE, name: 'data-web-2' } } }), admin), BACK, 'allow'],
    ['gives the old volume away', updating(volume(), volume({ spec: { claimRef: { namespace: NAMESPACE, name: 'other' } } }), admin), BACK, 'deny:volume-update'],
    ['takes our labels off', updating(claim(), claim({ metadata: { labels: {} } }), admin), {}, 'allow'],
    ['touches the claim', updating(claim(), claim({ metadata: { annotations: { 'zonespread.io/touched': 'now' } } }), admin), {}, 'allow'],
    ['grows the claim', updating(claim(), claim({ spec: { resources: { requests: { storage: '40Gi' } } } }), admin), {}, 'deny:claim-update'],
    ['writes the record', updating(migration(), migration({ status: { step: 'settle' } }), { ...admin, subResource: 'status' }), {}, 'allow'],
    ['takes our finalizer off', updating(migration(), migration({ metadata: { finalizers: [] } }), admin), {}, 'allow'],
    ['deletes the record in flight', deleting(migration(), admin), {}, 'deny:migration-delete'],
    ['deletes the set', deleting(statefulSet(), admin), {}, 'deny:set-delete'],
    ['scales the ordinal away', updating(scaleOf(6), scaleOf(0), admin), {}, 'deny:scale'],
  ])('whoever goes by it %s', (_what, review, status, expected) => {
    expect(verdict(review, within(status))).toBe(expected);
  });

  test('anybody may be the daemon while nobody knows what it is called, so that it is never locked out', () => {
    expect(verdict(deleting(claim(), { by: 'somebody', uidPrecondition: 'uid-claim-old' }), world(UNKNOWN))).toBe('allow');
    expect(verdict(deleting(claim(), { by: 'somebody' }), world(UNKNOWN))).toBe('deny:claim-delete');
  });
});

test('volumes are also known by our label alone', () => {
  const records = [migration({ status: { claims: [] } })];
  expect(verdict(deleting(volume({ metadata: { name: 'any', labels: { 'zonespread.io/migration': MIGRATION_UID } } })), world({ records }))).toBe('deny:volume-delete');
});

test('a move of a claim with several records is guarded by each of them', () => {
  const reverse = migration({ metadata: { name: 'web-2-zzzzz', uid: 'uid-reverse', creationTimestamp: '2026-11-20T12:00:00Z' }, spec: { reason: 'Reverse' }, status: { claims: [{ ...CLAIM, source: { ...CLAIM.source, pv: 'd-new', pvUID: 'uid-pv-new', claimUID: 'uid-claim-new' }, target: { pv: 'd-third' } }] } });
  const within = world({ ...SHARED, records: [migration({ status: { phase: 'Frozen', step: 'ready' } }), reverse] });
  expect(verdict(deleting(claim({ metadata: { uid: 'uid-claim-new' } }), { by: 'kubernetes-admin', uidPrecondition: 'uid-claim-new' }), within)).toBe('allow');
  expect(verdict(deleting(volume({ metadata: { name: 'd-new' } })), within)).toBe('deny:volume-delete');
  // What the first move made is what the second one copies: no undo of ours deletes it now.
  expect(verdict(deleting(volume({ metadata: { name: 'd-new', uid: 'uid-pv-new' } }), { by: 'kubernetes-admin', uidPrecondition: 'uid-pv-new' }), within)).toBe('deny:volume-delete');
});

describe('policy annotations', () => {
  const annotated = (annotations: Record<string, string>, spec: object = {}): ReturnType<typeof statefulSet> => statefulSet({ metadata: { annotations }, spec });
  const namespace = (annotations: Record<string, string>): { apiVersion: string; kind: string; metadata: { name: string; annotations: Record<string, string> } } => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', annotations } });
  const idle = world({ records: [] });

  test('a wrong value is refused with the key, the value, what is allowed and an example', () => {
    const decision = decide(creating(annotated({ 'zonespread.io/zones': 'a,b', 'zonespread.io/max-skew': 'zero' })), idle);
    if (decision.kind !== 'deny') throw new Error('it was allowed');
    expect(decision.message).toContain('zonespread.io/max-skew');
    expect(decision.message).toContain('"zero"');
    expect(decision.message).toContain('a whole number of at least 1');
    expect(decision.message).toContain('for example zonespread.io/max-skew: "1"');
  });

  test('every wrong value is named at once', () => {
    const decision = decide(creating(annotated({ 'zonespread.io/zones': '', 'zonespread.io/mode': 'perhaps' })), idle);
    expect(decision).toMatchObject({ kind: 'deny', message: expect.stringMatching(/zonespread\.io\/zones.*zonespread\.io\/mode|zonespread\.io\/mode.*zonespread\.io\/zones/s) });
  });

  test('good values pass', () => {
    expect(decide(creating(annotated({ 'zonespread.io/zones': 'a,b', 'zonespread.io/window': '0 2 * * 6 for 4h in Asia/Shanghai' })), idle)).toMatchObject({ kind: 'allow', warnings: [] });
  });

  test('what is good by itself and wrong with the set is refused', () => {
    const wanted = { 'zonespread.io/zones': 'a,b', 'zonespread.io/max-unavailable': '2' };
    expect(verdict(creating(annotated(wanted)), idle)).toBe('deny:policy');
    expect(verdict(creating(annotated(wanted, { podManagementPolicy: 'Parallel' })), idle)).toBe('allow');
  });

  test('a wrong value that is there already stands in nobody\'s way', () => {
    const before = annotated({ 'zonespread.io/mode': 'perhaps' });
    expect(verdict(updating(before, annotated({ 'zonespread.io/mode': 'perhaps' }, { replicas: 7 })), idle)).toBe('allow');
    expect(verdict(updating(before, annotated({ 'zonespread.io/mode': 'perhaps', 'zonespread.io/zones': 'a' })), idle)).toBe('allow');
    expect(verdict(updating(before, annotated({})), idle)).toBe('allow');
  });

  test('changing a wrong value into another wrong value is refused', () => {
    expect(verdict(updating(annotated({ 'zonespread.io/mode': 'perhaps' }), annotated({ 'zonespread.io/mode': 'maybe' })), idle)).toBe('deny:policy');
  });

  test('a change that makes another annotation wrong is refused', () => {
    const pinned = (zones: string): ReturnType<typeof statefulSet> => annotated({ 'zonespread.io/zones': zones, 'zonespread.io/pin': '0=b' });
    expect(verdict(updating(pinned('a,b'), pinned('a')), idle)).toBe('deny:policy');
  });

  test('a Namespace has defaults, but no pins', () => {
    expect(verdict(updating(namespace({}), namespace({ 'zonespread.io/zones': 'a,b' })), idle)).toBe('allow');
    expect(verdict(updating(namespace({}), namespace({ 'zonespread.io/pin': '0=a' })), idle)).toBe('deny:policy');
  });

  test('an unknown key is warned about once, by whoever writes it', () => {
    const slip = { 'zonespread.io/max-skw': '1' };
    const written = decide(creating(annotated(slip)), idle);
    expect(written.warnings.join()).toContain('max-skew');
    expect(decide(updating(annotated(slip), annotated(slip, { replicas: 7 })), idle).warnings).toEqual([]);
  });

  test('OpenKruise sets are checked too, other kinds are not', () => {
    const kruise = { ...annotated({ 'zonespread.io/mode': 'perhaps' }), apiVersion: 'apps.kruise.io/v1beta1' };
    expect(verdict(creating(kruise), idle)).toBe('deny:policy');
    expect(verdict(creating({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop', annotations: { 'zonespread.io/mode': 'perhaps' } } }), idle)).toBe('allow');
  });
});

describe('a rule that throws', () => {
  const broken = { ...VALIDATING[2]!, name: 'broken', applies: () => true, judge: () => { throw new Error('planted'); } };

  const denied = { kind: 'deny', code: 500, message: expect.stringContaining('could not judge') as string };
  const allowed = { kind: 'allow', patch: [] };

  test.each([
    ['an update is refused', updating(claim(), claim()), 'deny', denied],
    ['a delete is refused', deleting(claim()), 'deny', denied],
    ['a create goes on', creating(claim()), 'deny', allowed],
    ['an update that only policy looks at goes on', updating(statefulSet(), statefulSet()), 'allow', allowed],
  ] as const)('%s', (_what, review, onError, expected) => {
    const { decision, failures } = judge([{ ...broken, onError }], review, world());
    expect(failures).toHaveLength(1);
    expect(decision).toMatchObject(expected);
  });

  test('does not keep the others from speaking', () => {
    const { decision } = judge([{ ...broken, onError: 'allow' }, ...VALIDATING], deleting(claim()), world());
    expect(decision).toMatchObject({ kind: 'deny', rule: 'claim-delete' });
  });
});
