// Whether the controller's user may do what a move takes: each right asked of the API server's authorizer, in the controller's name.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import { controllerUser } from './installation.ts';
import { ok, problem, unknown, type Check, type Finding, type Patient } from './finding.ts';

export interface Right {
  group: string;
  resource: string;
  subresource?: string;
  verbs: string[];
}

const READ = ['get', 'list', 'watch'];

/** As the chart's roles have them (test/charts/rbac.test.ts), but for what is bound to a name. */
export const RIGHTS: readonly Right[] = [
  { group: '', resource: 'namespaces', verbs: [...READ, 'patch'] },
  { group: '', resource: 'nodes', verbs: READ },
  { group: '', resource: 'pods', verbs: [...READ, 'create', 'patch', 'delete'] },
  { group: '', resource: 'pods', subresource: 'eviction', verbs: ['create'] },
  { group: '', resource: 'pods', subresource: 'status', verbs: ['patch'] },
  { group: '', resource: 'persistentvolumeclaims', verbs: [...READ, 'create', 'patch', 'delete'] },
  { group: '', resource: 'persistentvolumes', verbs: [...READ, 'create', 'patch', 'delete'] },
  { group: '', resource: 'resourcequotas', verbs: ['list'] },
  { group: '', resource: 'events', verbs: ['get', 'create', 'patch'] },
  { group: 'apps', resource: 'statefulsets', verbs: READ },
  { group: 'policy', resource: 'poddisruptionbudgets', verbs: ['list', 'watch'] },
  { group: 'scheduling.k8s.io', resource: 'priorityclasses', verbs: ['get', 'create'] },
  { group: 'storage.k8s.io', resource: 'storageclasses', verbs: ['list', 'watch'] },
  { group: 'storage.k8s.io', resource: 'csinodes', verbs: ['list', 'watch'] },
  { group: 'storage.k8s.io', resource: 'volumeattachments', verbs: ['list', 'watch'] },
  { group: 'zonespread.io', resource: 'ordinalmigrations', verbs: [...READ, 'create', 'patch', 'delete'] },
  { group: 'zonespread.io', resource: 'ordinalmigrations', subresource: 'status', verbs: ['patch'] },
  { group: 'zonespread.io', resource: 'spreadreports', verbs: [...READ, 'create', 'delete'] },
  { group: 'zonespread.io', resource: 'spreadreports', subresource: 'status', verbs: ['patch'] },
  { group: 'zonespread.io', resource: 'zoneevacuations', verbs: ['list', 'watch'] },
  { group: 'zonespread.io', resource: 'zoneevacuations', subresource: 'status', verbs: ['patch'] },
];

/** Asked for without a namespace: a role of one would not do. */
const CLUSTER_SCOPED = new Set(['namespaces', 'nodes', 'persistentvolumes', 'storageclasses', 'csinodes', 'volumeattachments', 'priorityclasses', 'zoneevacuations']);

interface AccessReview extends KubernetesObject {
  spec: object;
  status?: { allowed: boolean };
}

const accessReviews: Resource<AccessReview> = { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false };

export const rights: Check = {
  area: 'Rights of the controller',
  looks: [controllerRights],
};

async function controllerRights(patient: Patient): Promise<Finding[]> {
  const user = await controllerUser(patient);
  if (user === undefined) return [unknown("nobody knows who the controller is: its Lease does not say", 'start it once; it writes its name on the Lease')];
  const asked = RIGHTS.flatMap((right) => right.verbs.map((verb) => ({ right, verb })));
  const missing = (await Promise.all(asked.map(async ({ right, verb }) => ((await isAllowed(patient, { user, right, verb })) ? [] : [`${verb} ${nameOf(right)}`])))).flat();
  return [verdict(user, missing)];
}

function verdict(user: string, missing: readonly string[]): Finding {
  if (missing.length === 0) return ok(`${user} has every right that moves take`);
  return problem(`${user} lacks rights in the namespaces of all sets: ${missing.join(', ')}`, "install or upgrade the chart's roles (helm upgrade), or bind them to this user; with --namespaces, run doctor with -n of one of them");
}

async function isAllowed({ api, namespace }: Patient, { user, right, verb }: { user: string; right: Right; verb: string }): Promise<boolean> {
  const { group, resource, subresource } = right;
  const review = { spec: { user, groups: groupsOf(user), resourceAttributes: { group, resource, verb, ...(CLUSTER_SCOPED.has(resource) ? {} : { namespace }), ...(subresource === undefined ? {} : { subresource }) } } };
  // A review is an object only in form: it has no name and is not stored.
  const answered = await api.create(accessReviews, { metadata: {}, ...review } as unknown as AccessReview);
  return answered.status?.allowed === true;
}

/** As the API server gives them to a ServiceAccount. */
function groupsOf(user: string): string[] {
  const account = /^system:serviceaccount:([^:]+):/.exec(user);
  return account === null ? ['system:authenticated'] : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`, 'system:authenticated'];
}

function nameOf({ group, resource, subresource }: Right): string {
  return `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
}
