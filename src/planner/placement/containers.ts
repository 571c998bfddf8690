// The parts of containers that decide where a pod fits.

import type { PodSpec } from '../../kubernetes/objects.ts';

export interface ResourceRequirements {
  requests?: Readonly<Record<string, string>>;
  limits?: Readonly<Record<string, string>>;
}

export interface Container {
  name?: string;
  restartPolicy?: string;
  resources?: ResourceRequirements;
  ports?: readonly { hostPort?: number; hostIP?: string; protocol?: string }[];
}

export function containersOf({ containers = [] }: PodSpec): readonly Container[] {
  return containers;
}

/** In the order in which they start. */
export function initContainersOf(spec: PodSpec): readonly Container[] {
  return (spec['initContainers'] as readonly Container[] | undefined) ?? [];
}

/** It starts with the init containers and runs as long as the pod. */
export function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}
