// Who asks: a part of Kubernetes, our daemon, somebody who may be our daemon, or anybody else. Names are the smaller half of it: what is
// let through rests on what the request does (see rules/), so that an unknown daemon is never locked out and a shared name lets little in.

import type { Review } from './review.ts';

/** The user name that the daemon acts under. */
export interface ControllerIdentity {
  username: string;
  /** Nobody else uses the name: a service account, or named by --controller-user. Outside a cluster the daemon may share it with people. */
  dedicated: boolean;
}

/**
 * `kubernetes`: its controllers, scheduler, kubelets, and whatever runs under a service account of kube-system. `ourselves`: the daemon.
 * `perhaps-ourselves`: the daemon or a person of the same name, or nobody knows yet what the daemon is called. `other`: everybody else.
 */
export type Actor = 'kubernetes' | 'ourselves' | 'perhaps-ourselves' | 'other';

export const KUBERNETES_USERS = ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'] as const;
export const KUBERNETES_SERVICE_ACCOUNTS = 'system:serviceaccount:kube-system:';
export const KUBELETS_GROUP = 'system:nodes';
const SERVICE_ACCOUNTS = 'system:serviceaccount:';

export function actorOf(user: Review['user'], controller: ControllerIdentity | undefined): Actor {
  if (isKubernetes(user) && user.username !== controller?.username) return 'kubernetes';
  if (controller === undefined) return 'perhaps-ourselves';
  if (user.username !== controller.username) return 'other';
  return controller.dedicated ? 'ourselves' : 'perhaps-ourselves';
}

/** `declared`: the flag --controller-user; `found`: what the daemon wrote on its Lease. */
export function controllerIdentity(declared: string | undefined, found: string | undefined): ControllerIdentity | undefined {
  if (declared !== undefined && declared !== '') return { username: declared, dedicated: true };
  if (found === undefined || found === '') return undefined;
  return { username: found, dedicated: found.startsWith(SERVICE_ACCOUNTS) };
}

function isKubernetes({ username, groups }: Review['user']): boolean {
  return (KUBERNETES_USERS as readonly string[]).includes(username) || username.startsWith(KUBERNETES_SERVICE_ACCOUNTS) || groups.includes(KUBELETS_GROUP);
}
