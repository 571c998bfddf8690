// Who asks: a controller of Kubernetes, something else that runs in kube-system, our daemon, somebody who may be our daemon, or anybody
// else. Names are the smaller half of it: what is let through rests on what the request does (see rules/), so that a controller of an
// unknown name is never locked out and a shared name lets little in.

import type { Review } from './review.ts';

/** The user name that the daemon acts under. */
export interface ControllerIdentity {
  username: string;
  /** Nobody else uses the name: a service account, or named by --controller-user. Outside a cluster the daemon may share it with people. */
  dedicated: boolean;
}

/**
 * `kubernetes`: its controllers, scheduler and kubelets. `addon`: whatever else has a service account of kube-system, from the CSI
 * sidecars to somebody's installer. `ourselves`: the daemon. `perhaps-ourselves`: the daemon or a person of the same name, or nobody
 * knows yet what the daemon is called. `other`: everybody else.
 */
export type Actor = 'kubernetes' | 'addon' | 'ourselves' | 'perhaps-ourselves' | 'other';

const KUBE_SYSTEM = 'system:serviceaccount:kube-system:';

/** Of the controller manager those that write what we guard. An autoscaler is none of them: it is a client like any other. */
const CONTROLLERS = [
  'attachdetach-controller',
  'ephemeral-volume-controller',
  'expand-controller',
  'generic-garbage-collector',
  'namespace-controller',
  'persistent-volume-binder',
  'pv-protection-controller',
  'pvc-protection-controller',
  'statefulset-controller',
  'vac-protection-controller',
];

/** The controller manager goes by one name, or by one for each controller (--use-service-account-credentials). */
export const KUBERNETES_USERS: readonly string[] = ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver', ...CONTROLLERS.map((name) => `${KUBE_SYSTEM}${name}`)];
export const KUBELETS_GROUP = 'system:nodes';
const SERVICE_ACCOUNTS = 'system:serviceaccount:';

export function actorOf(user: Review['user'], controller: ControllerIdentity | undefined): Actor {
  if (isKubernetes(user) && user.username !== controller?.username) return 'kubernetes';
  if (controller === undefined) return 'perhaps-ourselves';
  if (user.username !== controller.username) return user.username.startsWith(KUBE_SYSTEM) ? 'addon' : 'other';
  return controller.dedicated ? 'ourselves' : 'perhaps-ourselves';
}

/** `declared`: the flag --controller-user; `found`: what the daemon wrote on its Lease. */
export function controllerIdentity(declared: string | undefined, found: string | undefined): ControllerIdentity | undefined {
  if (declared !== undefined && declared !== '') return { username: declared, dedicated: true };
  if (found === undefined || found === '') return undefined;
  return { username: found, dedicated: found.startsWith(SERVICE_ACCOUNTS) };
}

function isKubernetes({ username, groups }: Review['user']): boolean {
  return KUBERNETES_USERS.includes(username) || groups.includes(KUBELETS_GROUP);
}
