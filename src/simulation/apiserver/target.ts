// Which object a write is about, who writes, and how.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import type { UserInfo } from './contract.ts';
import type { Kind } from './kinds/kind.ts';

export interface Target {
  kind: Kind;
  /** Undefined for cluster-scoped kinds. */
  namespace: string | undefined;
  /** Empty in a create: the object names itself. */
  name: string;
  /** Empty for the object itself. */
  subresource: string;
  user: UserInfo;
  dryRun: boolean;
  fieldManager: string;
  /** Of a server-side apply: what is applied. */
  applied?: KubernetesObject;
}
