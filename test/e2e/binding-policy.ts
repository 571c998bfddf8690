// Somebody else's policy engine that gets in the way: a ValidatingAdmissionPolicy under which no volume of a role is bound to a claim of a
// namespace, the PV controller's own writes included. The claim stays Pending for ever.

import { ApiError } from '../../src/kubernetes/api.ts';
import { volumes, type PersistentVolume, type Resource } from '../../src/kubernetes/objects.ts';
import { ROLE } from './names.ts';
import type { World } from './world.ts';

const GROUP = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false };
const policies: Resource = { ...GROUP, plural: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy' };
const bindings: Resource = { ...GROUP, plural: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding' };

const EFFECTIVE_MS = 30_000;

/** Resolves when it is in force. @returns what ends it. */
export async function forbidBinding(world: World, namespace: string, role: 'source' | 'target'): Promise<() => Promise<void>> {
  const { api } = world;
  const name = `${namespace}-${role}`;
  await api.create(policies, { metadata: { name }, spec: policy(namespace, role) });
  await api.create(bindings, { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } });
  await untilInForce(world, probe(namespace, role));
  return async () => {
    await api.delete(bindings, { name });
    await api.delete(policies, { name });
  };
}

function policy(namespace: string, role: string): object {
  return {
    failurePolicy: 'Fail',
    matchConstraints: { resourceRules: [UPDATES_OF_VOLUMES] },
    matchConditions: ofRole(namespace, role),
    validations: [{ expression: `!(${IS_BEING_BOUND})`, message: REFUSAL }],
  };
}

export const UPDATES_OF_VOLUMES = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['persistentvolumes'] };
export const REFUSAL = 'the policy of the house binds no such volumes';

/** Conditions in CEL under which a volume is one of that role for a claim of that namespace. */
export function ofRole(namespace: string, role: string): { name: string; expression: string }[] {
  return [
    { name: 'role', expression: `has(object.metadata.labels) && '${ROLE}' in object.metadata.labels && object.metadata.labels['${ROLE}'] == '${role}'` },
    { name: 'namespace', expression: `has(object.spec.claimRef) && object.spec.claimRef.namespace == '${namespace}'` },
  ];
}

/** In CEL: the write says for the first time which very claim the volume is for. */
export const IS_BEING_BOUND = `(${namesAClaim('object')}) && !(${namesAClaim('oldObject')})`;

function namesAClaim(object: string): string {
  return `has(${object}.spec.claimRef) && has(${object}.spec.claimRef.uid)`;
}

/** A volume that nobody uses, to see whether binding it is refused. */
function probe(namespace: string, role: string): PersistentVolume {
  return {
    metadata: { name: `${namespace}-${role}-probe`, labels: { [ROLE]: role } },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'probe',
      hostPath: { path: '/nowhere' },
      claimRef: { namespace, name: 'probe' },
    },
  };
}

async function untilInForce(world: World, volume: PersistentVolume): Promise<void> {
  const { api, clock } = world;
  const deadline = clock.monotonic() + EFFECTIVE_MS;
  const ref = { name: volume.metadata.name };
  await api.create(volumes, volume);
  while (!(await isRefused(world, ref))) {
    if (clock.monotonic() > deadline) throw new Error(`the policy against binding is not in force after ${EFFECTIVE_MS / 1000} s`);
    await clock.sleep(50);
  }
  await api.delete(volumes, ref);
}

async function isRefused({ api }: World, ref: { name: string }): Promise<boolean> {
  try {
    await api.mergePatch(volumes, ref, { spec: { claimRef: { uid: '00000000-0000-0000-0000-000000000000' } } }, { dryRun: true });
    return false;
  } catch (error) {
    if (error instanceof ApiError && /policy of the house/.test(error.message)) return true;
    throw error;
  }
}
