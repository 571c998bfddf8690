// Who may talk to a control plane: the names, groups and tokens of its token file, and a kubeconfig for each.
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
  /** A random one unless given. */
  readonly token?: string;
}

export type Identity = Required<User>;

export const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters'] };

// The names under which a real cluster's programs are known: the built-in roles, and zonespread's own admission rules, go by them.
export const CONTROLLER_MANAGER: User = { name: 'system:kube-controller-manager' };
export const SCHEDULER: User = { name: 'system:kube-scheduler' };

export function identify({ name, groups = [], token = randomBytes(24).toString('base64url') }: User): Identity {
  return { name, groups, token };
}

/** The content for `--token-auth-file`: token, name, uid, "groups". */
export function tokenFile(identities: readonly Identity[]): string {
  return identities.map(({ name, groups, token }) => `${token},"${name}","${name}","${groups.join(',')}"\n`).join('');
}

export interface Access {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

/** A kubeconfig as YAML; nothing in it refers to another file. */
export function kubeconfigFor(user: string, { server, ca, token }: Access): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'zonespread', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'zonespread', context: { cluster: 'zonespread', user } }],
    'current-context': 'zonespread',
  });
}
