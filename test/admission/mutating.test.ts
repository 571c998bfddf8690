// What happens to pods and claims on their way in.

import { describe, expect, test } from 'vitest';
import { judge, MUTATING } from '../../src/admission/judge.ts';
import type { Review } from '../../src/admission/review.ts';
import type { World } from '../../src/admission/rules/rule.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/api.ts';
import { applied, claim, CLAIM, creating, migration, MIGRATION_UID, pod, world } from './builders.ts';

const GATE = { name: 'zonespread.io/migrating' };

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
    ['a probe of a migration that is not in flight', { metadata: { labels: { 'zonespread.io/probe': 'unknown' } } }],
  ])('%s', (_what, change) => {
    expect(patchOf(creating(pod(change)), world())).toEqual([]);
  });

  test('any pod when nothing is in flight', () => {
    expect(patchOf(creating(pod()), world({ records: [migration({ status: { phase: 'Succeeded' } }), migration({ metadata: { name: 'p', uid: 'p' }, status: { phase: 'Pending' } })] }))).toEqual([]);
  });
});

test('a probe pod is gated at any step, whatever it is called and whoever owns it', () => {
  const probe = pod({ metadata: { name: 'web-2-probe-xxxxx', ownerReferences: [], labels: { 'zonespread.io/probe': MIGRATION_UID } } });
  const records = [migration({ status: { step: 'rehearse' } })];
  expect(applied(probe, patchOf(creating(probe), world({ records }))).spec.schedulingGates).toEqual([GATE]);
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
    const created = claim({ spec: { volumeName: 'theirs' } });
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

describe('a probe claim', () => {
  const logs = { ...CLAIM, template: 'logs', claimName: 'data-web-2-logs-web-2', source: { ...CLAIM.source, pv: 'd-logs' } };
  const probe = (name: string): ReturnType<typeof claim> => claim({ metadata: { name, labels: { 'zonespread.io/probe': MIGRATION_UID } }, spec: { volumeName: '' } });

  test('is steered like the claim that it is called after', () => {
    const records = [migration({ status: { step: 'rehearse', claims: [CLAIM, logs] } })];
    const volumeFor = (name: string): string | undefined => applied(probe(name), patchOf(creating(probe(name)), world({ records }))).spec.volumeName;
    expect(volumeFor('data-web-2-probe-xxxxx')).toBe('d-old');
    expect(volumeFor('data-web-2-logs-web-2-probe-xxxxx')).toBe('d-logs');
  });

  test('of a single claim is steered whatever it is called', () => {
    expect(applied(probe('any'), patchOf(creating(probe('any')), world())).spec.volumeName).toBe('d-old');
  });
});
