// The policies inside the API server agree with the rules of the webhook: the same steps gate, the same volume is asked for, the same names
// are Kubernetes' own. What a real API server makes of them is in cells/.

import { describe, expect, test } from 'vitest';
import { KUBERNETES_USERS } from '../../src/admission/actors.ts';
import { judge, MUTATING } from '../../src/admission/judge.ts';
import type { KubernetesObject, PersistentVolumeClaim, Pod } from '../../src/kubernetes/objects.ts';
import { RESTORE_STEPS, STEPS, type ClaimRecord, type Course, type OrdinalMigration, type Phase, type StepName } from '../../src/migration/record.ts';
import { gateWanted, volumeWanted } from '../../src/migration/steering.ts';
import { evaluate } from '../../src/simulation/apiserver/cel/evaluator.ts';
import { parseCel } from '../../src/simulation/apiserver/cel/parser.ts';
import { claim, CLAIM, creating, migration, MIGRATION_UID, NAMESPACE, pod, world } from './builders.ts';
import { OWN_NAMESPACE } from './cells/actors.ts';
import { policyObjects } from './cells/policies.ts';

interface Policy extends KubernetesObject {
  spec: {
    failurePolicy?: string;
    policyName?: string;
    validationActions?: string[];
    paramKind?: object;
    paramRef?: { parameterNotFoundAction?: string };
    matchConstraints?: { namespaceSelector?: { matchExpressions?: { operator: string; values: string[] }[] }; resourceRules: { resources: string[] }[] };
    matchConditions?: { name: string; expression: string }[];
    variables?: { name: string; expression: string }[];
  };
}

const all = [...policyObjects('validating'), ...policyObjects('mutating')] as Policy[];
const policies = all.filter(({ kind }) => kind?.endsWith('Policy'));
const bindings = all.filter(({ kind }) => kind?.endsWith('Binding'));
const named = (name: string): Policy => policies.find(({ metadata }) => metadata.name === name)!;

describe('every policy', () => {
  test.each(policies.map((policy) => [policy.metadata.name, policy] as const))('%s is bound, denies when it cannot judge, and does not wait for parameters', (name, { kind, spec }) => {
    const binding = bindings.find((one) => one.spec.policyName === name);
    expect(spec.failurePolicy, 'creates are never stopped').toBe(kind === 'MutatingAdmissionPolicy' ? 'Ignore' : 'Fail');
    expect(binding?.spec.validationActions).toEqual(kind === 'ValidatingAdmissionPolicy' ? ['Deny'] : undefined);
    expect(binding?.spec.paramRef?.parameterNotFoundAction).toBe(spec.paramKind === undefined ? undefined : 'Allow');
  });

  test('knows the same names for Kubernetes as the webhook', () => {
    const conditions = policies.flatMap(({ spec }) => spec.matchConditions ?? []).filter(({ name }) => name === 'not-kubernetes');
    expect(conditions.length).toBeGreaterThan(4);
    for (const { expression } of conditions) {
      expect([...expression.matchAll(/'(system:(?!nodes)[^']+)'/g)].map(([, name]) => name)).toEqual(KUBERNETES_USERS);
    }
  });

  test('that goes by namespaces leaves kube-system and our own alone', () => {
    const selectors = policies.map(({ spec }) => spec.matchConstraints?.namespaceSelector).filter((selector) => selector !== undefined);
    expect(selectors.length).toBeGreaterThan(5);
    for (const { matchExpressions } of selectors) expect(matchExpressions).toContainEqual({ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', OWN_NAMESPACE] });
  });

  test('never stands in the way of a create of a pod or a claim, but of our own account', () => {
    const guards = policies.filter(({ kind, metadata }) => kind === 'ValidatingAdmissionPolicy' && !metadata.name.startsWith('zonespread-own-'));
    const creates = guards.filter(({ spec }) => (spec.matchConstraints?.resourceRules ?? []).some((rule) => JSON.stringify(rule).includes('CREATE')));
    expect(creates).toEqual([]);
  });
});

const PHASES: Phase[] = ['Pending', 'Running', 'RollingBack', 'Frozen', 'Succeeded', 'RolledBack', 'Failed'];
const COURSES: (Course | undefined)[] = [undefined, 'Forward', 'Undo', 'Restore'];
const SOMEWHERE = PHASES.flatMap((phase) =>
  COURSES.flatMap((course) =>
    [...STEPS, ...RESTORE_STEPS, undefined].flatMap((step) =>
      [undefined, 'evict' as StepName].map((resumeAt) => {
        const { course: _course, step: _step, ...status } = migration().status!;
        return { ...migration(), status: { ...status, phase, ...(course === undefined ? {} : { course }), ...(step === undefined ? {} : { step }), ...(resumeAt === undefined ? {} : { resumeAt }) } };
      }),
    ),
  ),
);

function applies(policy: Policy, object: KubernetesObject, { record, dryRun = false }: { record: OrdinalMigration; dryRun?: boolean }): boolean {
  const variables = { object, oldObject: null, params: record, request: { dryRun, operation: 'CREATE', userInfo: { username: 'jane' } } };
  return (policy.spec.matchConditions ?? []).every(({ expression }) => evaluate(parseCel(expression), variables) === true);
}

const patches = (object: KubernetesObject, record: OrdinalMigration, dryRun = false): boolean => {
  const { decision } = judge(MUTATING, creating(object, { dryRun }), world({ records: [record] }));
  return decision.kind === 'allow' && decision.patch.length > 0;
};

describe('the gate by policy', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true };
  const PODS: [string, Pod, boolean][] = [
    ['the pod', pod(), false],
    ['the pod of another version of the API', pod({ metadata: { ownerReferences: [{ ...owner, apiVersion: 'apps/v1beta2' }] } }), false],
    ['the pod with another gate', pod({ spec: { schedulingGates: [{ name: 'quota/wait' }] } }), false],
    ['the pod with our gate', pod({ spec: { schedulingGates: [{ name: 'zonespread.io/migrating' }] } }), false],
    ['the pod that names its node', pod({ spec: { nodeName: 'node-1' } }), false],
    ['another ordinal', pod({ metadata: { name: 'web-3' } }), false],
    ['a pod of that name that no set owns', pod({ metadata: { ownerReferences: [] } }), false],
    ['a pod of that name of OpenKruise', pod({ metadata: { ownerReferences: [{ ...owner, apiVersion: 'apps.kruise.io/v1beta1' }] } }), false],
    ['a probe', pod({ metadata: { name: 'web-2-probe', labels: { 'zonespread.io/probe': MIGRATION_UID }, ownerReferences: [] } }), true],
    ['a probe that is no dry run', pod({ metadata: { name: 'web-2-probe', labels: { 'zonespread.io/probe': MIGRATION_UID }, ownerReferences: [] } }), false],
    ['a probe of another', pod({ metadata: { name: 'web-9-probe', labels: { 'zonespread.io/probe': 'other' }, ownerReferences: [] } }), true],
  ];

  test.each(PODS)('%s: at every step as the webhook has it', (_what, object, dryRun) => {
    const differing = SOMEWHERE.filter((record) => applies(named('zonespread-gate'), object, { record, dryRun }) !== patches(object, record, dryRun));
    expect(differing.map(({ status }) => status)).toEqual([]);
  });

  test('is on at some steps and off at others', () => {
    const gated = SOMEWHERE.filter((record) => applies(named('zonespread-gate'), pod(), { record }));
    expect(gated.every(gateWanted)).toBe(true);
    expect(gated.length).toBeGreaterThan(10);
    expect(gated.length).toBeLessThan(SOMEWHERE.length / 2);
  });
});

describe('the steering by policy', () => {
  const logs: ClaimRecord = { ...CLAIM, template: 'logs', claimName: 'data-web-2-logs', source: { ...CLAIM.source, pv: 'd-logs' }, target: { pv: 'd-logs-new' } };
  const unsteered = (name: string, labels: Record<string, string> = {}): PersistentVolumeClaim => claim({ metadata: { name, labels, annotations: {}, namespace: NAMESPACE }, spec: { volumeName: '', resources: { requests: { storage: '1Gi' } } } });
  const withTwo = (record: OrdinalMigration): OrdinalMigration => ({ ...record, status: { ...record.status, claims: [CLAIM, logs] } });
  const chosen = (object: PersistentVolumeClaim, record: OrdinalMigration): unknown => {
    const scope: Record<string, unknown> = { object, params: record, variables: {} };
    for (const { name, expression } of named('zonespread-steer').spec.variables ?? []) scope.variables = { ...(scope.variables as object), [name]: evaluate(parseCel(expression), scope) };
    return (scope.variables as { volume: unknown }).volume;
  };

  test.each<[string, PersistentVolumeClaim, boolean]>([
    ['the claim', unsteered('data-web-2'), false],
    ['the claim of a longer name', unsteered('data-web-2-logs'), false],
    ['another ordinal', unsteered('data-web-3'), false],
    ['a probe', unsteered('data-web-2-logs-probe', { 'zonespread.io/probe': MIGRATION_UID }), true],
    ['a probe of another', unsteered('data-web-2-probe', { 'zonespread.io/probe': 'other' }), true],
    ['a claim that is called like a probe', unsteered('data-web-2-probe', { 'zonespread.io/probe': MIGRATION_UID }), false],
  ])('%s: at every step as the webhook has it', (_what, object, dryRun) => {
    const differing = SOMEWHERE.map(withTwo).filter((record) => applies(named('zonespread-steer'), object, { record, dryRun }) !== patches(object, record, dryRun));
    expect(differing.map(({ status }) => status)).toEqual([]);
  });

  test.each<[string, ClaimRecord]>([
    ['data-web-2', CLAIM],
    ['data-web-2-probe-xxxxx', CLAIM],
    ['data-web-2-logs', logs],
    ['data-web-2-logs-probe', logs],
  ])('%s gets the volume that the record names, at every step', (name, of) => {
    const differing = SOMEWHERE.map(withTwo).filter((record) => chosen(unsteered(name), record) !== volumeWanted(record, of));
    expect(differing.map(({ status }) => status)).toEqual([]);
  });
});
