// Who writes to a cluster: everybody whose requests come by what we guard.

export interface Actor {
  readonly user: string;
  readonly groups: readonly string[];
}

const AUTHENTICATED = 'system:authenticated';
const account = (namespace: string, name: string): Actor => ({ user: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED] });
const user = (name: string, ...groups: string[]): Actor => ({ user: name, groups: [...groups, AUTHENTICATED] });

export const OWN_NAMESPACE = 'zonespread-system';

export const ACTORS = {
  person: user('jane'),
  'a GitOps tool': account('argocd', 'argocd-application-controller'),
  'an operator': account('databases', 'operator'),
  'our daemon': account(OWN_NAMESPACE, 'zonespread-controller'),
  'perhaps ourselves': user('kubernetes-admin'),
  'an installer in kube-system': account('kube-system', 'helm-install'),
  autoscaler: account('kube-system', 'horizontal-pod-autoscaler'),
  'CSI provisioner': account('kube-system', 'csi-provisioner'),
  'CSI resizer': account('kube-system', 'csi-resizer'),
  'CSI attacher elsewhere': account('csi', 'csi-attacher'),
  'controller manager under one name': user('system:kube-controller-manager'),
  'StatefulSet controller': account('kube-system', 'statefulset-controller'),
  'PV binder': account('kube-system', 'persistent-volume-binder'),
  'claim protection': account('kube-system', 'pvc-protection-controller'),
  'volume protection': account('kube-system', 'pv-protection-controller'),
  'attach-detach controller': account('kube-system', 'attachdetach-controller'),
  'garbage collector': account('kube-system', 'generic-garbage-collector'),
  'namespace controller': account('kube-system', 'namespace-controller'),
  scheduler: user('system:kube-scheduler'),
  kubelet: user('system:node:node-1', 'system:nodes'),
} as const satisfies Record<string, Actor>;

export type ActorName = keyof typeof ACTORS;
export const ACTOR_NAMES = Object.keys(ACTORS) as ActorName[];

const of = (...names: ActorName[]): readonly ActorName[] => names;

/** Groups of which the table speaks. */
export const KUBERNETES = of(
  'controller manager under one name',
  'StatefulSet controller',
  'PV binder',
  'claim protection',
  'volume protection',
  'attach-detach controller',
  'garbage collector',
  'namespace controller',
  'scheduler',
  'kubelet',
);
/** Other service accounts of kube-system. */
export const ADDONS = of('an installer in kube-system', 'autoscaler', 'CSI provisioner', 'CSI resizer');
export const DAEMON = of('our daemon');
export const PERHAPS = of('perhaps ourselves');
