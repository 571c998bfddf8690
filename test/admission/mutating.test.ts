// What happens to pods and claims on their way in.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge, MUTATING } from '../../src/admission/judge.ts';
import type { Review } from '../../src/admission/review.ts';
import type { World } from '../../src/admission/rules/rule.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/api.ts';
import type { KubernetesObject, OwnerReference } from '../../src/kubernetes/objects.ts';
import { applied, claim, CLAIM, creating, migration, MIGRATION_UID, pod, world } from './builders.ts';

const GATE = { name: 'zonespread.io/migrating' };
/** Probes are dry runs. */
const DRY = { dryRun: true };

function patchOf(review: Review, within: World): JsonPatchOperation[] {
  const { decision, failures } = judge(MUTATING, review, within);
  expect(failures).toEqual([]);
  if (decision.kind === 'deny') throw new Error(`a mutating rule refused: ${decision.message}`);
  return decision.patch;
}

describe('the pod of a moving ordinal', () => {
  test('is created behind our gate', () => {
    const created = pod();
    expect(applied(created, patchOf(creating(created), world())).spec.schedulingGates).toEqual([GATE]);
  });

  test('keeps the gates of others', () => {
    const created = pod({ spec: { schedulingGates: [{ name: 'quota.example/wait' }] } });
    expect(applied(created, patchOf(creating(created), world())).spec.schedulingGates).toEqual([{ name: 'quota.example/wait' }, GATE]);
  });

  test('is gated once, however often it is asked about', () => {
    expect(patchOf(creating(pod({ spec: { schedulingGates: [GATE] } })), world())).toEqual([]);
  });

  test('is gated whatever version of the set made it', () => {
    const owner = { apiVersion: 'apps/v1beta2', kind: 'StatefulSet', name: 'web', uid: 'another', controller: true };
    expect(patchOf(creating(pod({ metadata: { ownerReferences: [owner] } })), world())).not.toEqual([]);
  });

  test('is gated when it belongs to an OpenKruise set', () => {
    const kruise = migration({ spec: { statefulSetRef: { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web' } } });
    const owner = { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true };
    expect(patchOf(creating(pod({ metadata: { ownerReferences: [owner] } })), world({ records: [kruise] }))).not.toEqual([]);
  });

  test.each([
    ['before it is evicted', { step: 'keepSource' }],
    ['once it has been let go', { step: 'ready' }],
    ['in an undo, once the claim is back', { phase: 'RollingBack' as const, course: 'Undo' as const, step: 'keepSource' }],
  ])('is not gated %s', (_when, status) => {
    expect(patchOf(creating(pod()), world({ records: [migration({ status })] }))).toEqual([]);
  });

  test('is left alone when it names its node: a gate would make the API server refuse it', () => {
    const { decision } = judge(MUTATING, creating(pod({ spec: { nodeName: 'node-1' } })), world());
    expect(decision).toMatchObject({ kind: 'allow', patch: [] });
    expect(decision.warnings.join()).toContain('names its node');
  });
});

describe('other pods are left alone:', () => {
  test.each([
    ['another ordinal', { metadata: { name: 'web-3' } }],
    ['the same name in another namespace', { metadata: { namespace: 'elsewhere' } }],
    ['the same name without an owner', { metadata: { ownerReferences: [] } }],
    ['a pod of another set of that name', { metadata: { ownerReferences: [{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }] } }],
    ['a pod of a Job', { metadata: { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'web', uid: 'u', controller: true }] } }],
    ['a pod of another one that carries a probe\'s label', { metadata: { name: 'other', labels: { 'zonespread.io/probe': MIGRATION_UID } } }],
  ])('%s', (_what, change) => {
    expect(patchOf(creating(pod(change)), world())).toEqual([]);
  });

  test('any pod when nothing is in flight', () => {
    expect(patchOf(creating(pod()), world({ records: [migration({ status: { phase: 'Succeeded' } }), migration({ metadata: { name: 'p', uid: 'p' }, status: { phase: 'Pending' } })] }))).toEqual([]);
  });
});

test('a label of probes in a template lets no real pod past the gate', () => {
  const labelled = pod({ metadata: { labels: { 'zonespread.io/probe': 'unknown' } } });
  expect(patchOf(creating(labelled), world())).not.toEqual([]);
  expect(patchOf(creating(labelled, DRY), world()), 'a probe of a migration that is not in flight').toEqual([]);
});

describe('a server-side dry run gets what the real thing would get:', () => {
  test.each([
    ['the pod', pod()],
    ['the claim', claim({ spec: { volumeName: '' } })],
  ])('%s', (_what, object) => {
    expect(patchOf(creating(object, DRY), world())).toEqual(patchOf(creating(object), world()));
  });
});

test('a probe pod is gated at any step, whatever it is called and whoever owns it', () => {
  const probe = pod({ metadata: { name: 'web-2-probe-xxxxx', ownerReferences: [], labels: { 'zonespread.io/probe': MIGRATION_UID } } });
  const records = [migration({ status: { step: 'rehearse' } })];
  expect(applied(probe, patchOf(creating(probe, DRY), world({ records }))).spec.schedulingGates).toEqual([GATE]);
});

describe('the claim of a moving ordinal', () => {
  const asked = (): ReturnType<typeof claim> => {
    const { volumeName: _none, ...spec } = claim().spec;
    return { ...claim({ metadata: { labels: {}, annotations: {} } }), spec: { ...spec, resources: { requests: { storage: '20Gi' } } } };
  };

  test.each([
    ['the old volume until the new one is there', { step: 'createVolume' }, 'd-old'],
    ['the new volume from the swap on', { step: 'swapClaim' }, 'd-new'],
    ['the old volume in an undo', { phase: 'RollingBack' as const, course: 'Undo' as const, step: 'swapClaim' }, 'd-old'],
    ['the new volume when frozen after the swap', { phase: 'Frozen' as const, step: 'ready' }, 'd-new'],
  ])('asks for %s', (_what, status, volumeName) => {
    expect(applied(asked(), patchOf(creating(asked()), world({ records: [migration({ status })] }))).spec.volumeName).toBe(volumeName);
  });

  test('has the size that it grew to, not that of the template', () => {
    expect(applied(asked(), patchOf(creating(asked()), world())).spec.resources).toEqual({ requests: { storage: '30Gi' } });
  });

  test('has class, access modes and volume mode of the record', () => {
    const created = { ...asked(), spec: { ...asked().spec, storageClassName: 'todays-default', accessModes: ['ReadWriteMany'], volumeMode: 'Block' } };
    expect(applied(created, patchOf(creating(created), world())).spec).toMatchObject({ storageClassName: 'essd', accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' });
  });

  test('has no class when the old one had none, or the default class of today would be filled in', () => {
    const { storageClassName: _none, ...spec } = CLAIM.manifest.spec;
    const records = [migration({ status: { claims: [{ ...CLAIM, manifest: { ...CLAIM.manifest, spec } }] } })];
    expect(applied(asked(), patchOf(creating(asked()), world({ records }))).spec.storageClassName).toBe('');
  });

  test('keeps what the record does not speak of', () => {
    const created = { ...asked(), spec: { ...asked().spec, selector: { matchLabels: { tier: 'gold' } } } };
    expect(applied(created, patchOf(creating(created), world())).spec.selector).toEqual({ matchLabels: { tier: 'gold' } });
  });

  test('is steered once, however often it is asked about', () => {
    const first = applied(asked(), patchOf(creating(asked()), world()));
    expect(patchOf(creating(first), world())).toEqual([]);
  });

  test('goes to our volume even when somebody asks for another one, and they are told', () => {
    const created = claim({ metadata: { annotations: {} }, spec: { volumeName: 'theirs' } });
    const { decision } = judge(MUTATING, creating(created), world());
    expect(decision).toMatchObject({ kind: 'allow', patch: [{ op: 'add', path: '/spec/volumeName', value: 'd-old' }] });
    expect(decision.warnings.join()).toContain('d-old instead of theirs');
  });

  test.each([['data-web-3', 'shop'], ['data-web-2', 'elsewhere'], ['logs-web-2', 'shop']])('is another one: %s in %s is left alone', (name, namespace) => {
    expect(patchOf(creating({ ...asked(), metadata: { name, namespace } }), world())).toEqual([]);
  });

  test('follows the younger record when a Reverse takes a frozen move back', () => {
    const frozen = migration({ status: { phase: 'Frozen', step: 'ready' } });
    const back = { ...CLAIM, source: { ...CLAIM.source, pv: 'd-new' }, target: { pv: 'd-third' } };
    const reverse = migration({ metadata: { name: 'web-2-zzzzz', uid: 'uid-reverse', creationTimestamp: '2026-11-20T11:00:00Z' }, spec: { reason: 'Reverse' }, status: { step: 'swapClaim', claims: [back] } });
    expect(applied(asked(), patchOf(creating(asked()), world({ records: [frozen, reverse] }))).spec.volumeName).toBe('d-third');
  });
});

describe('a claim that was written out of another one', () => {
  const PAST = {
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
    'volume.kubernetes.io/selected-node': 'node-1',
    'volume.kubernetes.io/storage-provisioner': 'x',
    'volume.beta.kubernetes.io/storage-provisioner': 'x',
  };
  const owner = (uid: string): OwnerReference => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid });
  const records = [migration({ status: { statefulSetUID: 'uid-set' } })];

  test('loses what it has of its old binding, or it would go Lost', () => {
    const copied = claim({ metadata: { annotations: { ...PAST, note: 'x' } } });
    expect(applied(copied, patchOf(creating(copied), world({ records }))).metadata.annotations).toEqual({ note: 'x' });
  });

  test('loses an owner that is gone, or the garbage collector would delete it, and keeps the set', () => {
    const copied = claim({ metadata: { ownerReferences: [owner('uid-of-a-dead-one'), owner('uid-set')] } });
    expect(applied(copied, patchOf(creating(copied), world({ records }))).metadata.ownerReferences).toEqual([owner('uid-set')]);
  });

  test('of another ordinal keeps everything', () => {
    expect(patchOf(creating(claim({ metadata: { name: 'data-web-3', annotations: PAST, ownerReferences: [owner('x')] } })), world({ records }))).toEqual([]);
  });
});

describe('applied twice is applied once, whatever is created and wherever the move is', () => {
  const text = fc.constantFrom('', 'd-old', 'd-new', 'theirs');
  const someClaim = fc
    .record({
      volumeName: text,
      storageClassName: fc.option(fc.constantFrom('', 'essd', 'other'), { nil: undefined }),
      size: fc.constantFrom('1Gi', '30Gi', '31Gi'),
      accessModes: fc.constantFrom(['ReadWriteOnce'], ['ReadWriteMany', 'ReadWriteOnce'], undefined),
      annotations: fc.option(fc.dictionary(fc.constantFrom('pv.kubernetes.io/bind-completed', 'volume.kubernetes.io/selected-node', 'a~b/c', 'note'), text), { nil: undefined }),
      owners: fc.option(fc.array(fc.constantFrom('uid-set', 'dead')), { nil: undefined }),
      name: fc.constantFrom('data-web-2', 'data-web-3', 'data-web-2-probe'),
    })
    .map(({ size, annotations, owners, name, ...spec }) => ({
      ...claim(),
      metadata: {
        name,
        namespace: 'shop',
        labels: { 'zonespread.io/probe': MIGRATION_UID },
        ...(annotations === undefined ? {} : { annotations }),
        ...(owners === undefined ? {} : { ownerReferences: owners.map((uid) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid })) }),
      },
      spec: { ...Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)), resources: { requests: { storage: size } } },
    }));
  const somePod = fc
    .record({ gates: fc.option(fc.array(fc.constantFrom('zonespread.io/migrating', 'quota/wait')), { nil: undefined }), nodeName: fc.constantFrom(undefined, '', 'node-1'), name: fc.constantFrom('web-2', 'web-3'), hash: fc.constantFrom('web-old', 'web-new') })
    .map(({ gates, nodeName, name, hash }) =>
      pod({ metadata: { name, labels: { 'controller-revision-hash': hash } }, spec: { ...(gates === undefined ? {} : { schedulingGates: gates.map((gate) => ({ name: gate })) }), ...(nodeName === undefined ? {} : { nodeName }) } }),
    );
  const somewhere = fc.record({ phase: fc.constantFrom('Running' as const, 'RollingBack' as const, 'Frozen' as const, 'Succeeded' as const), step: fc.constantFrom('rehearse', 'evict', 'createVolume', 'swapClaim', 'ungate', 'ready', 'settle'), course: fc.constantFrom('Forward' as const, 'Undo' as const), statefulSetUID: fc.constantFrom('uid-set', undefined) });

  test('holds', () => {
    fc.assert(
      fc.property(fc.oneof(someClaim, somePod), somewhere, fc.boolean(), (object, { statefulSetUID, ...status }, dryRun) => {
        const within = world({ records: [migration({ status: { ...status, ...(statefulSetUID === undefined ? {} : { statefulSetUID }) } })] });
        const once = applied<KubernetesObject>(object, patchOf(creating(object, { dryRun }), within));
        expect(patchOf(creating(once, { dryRun }), within)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a probe claim', () => {
  const logs = { ...CLAIM, template: 'logs', claimName: 'data-web-2-logs-web-2', source: { ...CLAIM.source, pv: 'd-logs' } };
  const probe = (name: string): ReturnType<typeof claim> => claim({ metadata: { name, labels: { 'zonespread.io/probe': MIGRATION_UID } }, spec: { volumeName: '' } });

  test('is steered like the claim that it is called after', () => {
    const records = [migration({ status: { step: 'rehearse', claims: [CLAIM, logs] } })];
    const volumeFor = (name: string): string | undefined => applied(probe(name), patchOf(creating(probe(name), DRY), world({ records }))).spec.volumeName;
    expect(volumeFor('data-web-2-probe-xxxxx')).toBe('d-old');
    expect(volumeFor('data-web-2-logs-web-2-probe-xxxxx')).toBe('d-logs');
  });

  test('of a single claim is steered whatever it is called', () => {
    expect(applied(probe('any'), patchOf(creating(probe('any'), DRY), world())).spec.volumeName).toBe('d-old');
  });
});
