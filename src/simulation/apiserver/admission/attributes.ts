// What admission is asked about one write.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import type { UserInfo } from '../contract.ts';
import type { Kind } from '../kinds/kind.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

export interface Attributes {
  operation: Operation;
  /** Of the resource that the path names; the object's own kind is `objectKind`. */
  kind: Kind;
  /** Empty for the object itself. */
  subresource: string;
  objectKind: { group: string; version: string; kind: string };
  /** Of a Namespace its own name; empty for other cluster-scoped kinds. */
  namespace: string;
  name: string;
  object: KubernetesObject | undefined;
  oldObject: KubernetesObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  /** CreateOptions, UpdateOptions, DeleteOptions. */
  options: Record<string, unknown>;
}
