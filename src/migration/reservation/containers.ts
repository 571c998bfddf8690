// What a placeholder holds of its node: exactly what the scheduler counts for the ordinal's pod, host ports included. Pure.

import type { Pod, PodSpec } from '../../kubernetes/objects.ts';
import { containersOf, initContainersOf, isSidecar, type Container } from '../../planner/placement/containers.ts';
import { requestsOf, type Amounts } from '../../planner/placement/resources.ts';

export interface HoldingPlan {
  /** The ordinal's pod as the API server would make it. */
  like: Pod;
  /** What it runs: does nothing, for ever. */
  image: string;
  /** Has the workload's images pulled. */
  prepull: boolean;
}

const HOLD = 'zonespread-hold';
const REST = 'zonespread-rest';
const PULL = 'zonespread-pull';

/** In no image: the container cannot start, and nothing of the workload ever runs. Its image has been pulled by then. */
const NO_COMMAND = ['/zonespread.io/only-pulled'];

const CONFINED = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

/** So that no LimitRange adds to the sum. */
const NOTHING = { requests: { cpu: '0', memory: '0' } };

/** A container for each that runs as long as the pod: limits on single containers hold for these as for those. */
export function placeholderContainers({ like: { spec }, image, prepull }: HoldingPlan): Record<string, unknown>[] {
  const lasting = [...initContainersOf(spec).filter(isSidecar), ...containersOf(spec)];
  const mirrored = lasting.map((container) => ({ ...mirror(container), ...(prepull ? { image: imageOf(container), command: NO_COMMAND } : { image }), securityContext: CONFINED }));
  const all = [...mirrored, ...restOf(spec, mirrored, image)];
  if (!prepull) return all;
  const others = new Set(initContainersOf(spec).filter((container) => !isSidecar(container)).map(imageOf));
  for (const container of lasting) others.delete(imageOf(container));
  const pulls = [...others].map((one, index) => ({ name: `${PULL}-${index}`, image: one, command: NO_COMMAND, resources: NOTHING, securityContext: CONFINED }));
  return [{ name: HOLD, image, resources: NOTHING, securityContext: CONFINED }, ...all, ...pulls];
}

/** Those that are there for their image alone. */
export function containersThatPull(pod: Pod): { name: string; image: string }[] {
  const all = (pod.spec.containers ?? []) as { name: string; image: string; command?: string[] }[];
  return all.filter(({ command = [] }) => command[0] === NO_COMMAND[0]).map(({ name, image }) => ({ name, image }));
}

function imageOf(container: Container): string {
  return (container as { image?: string }).image ?? '';
}

function mirror({ name, resources: { requests, limits } = {}, ports = [] }: Container): Record<string, unknown> {
  const held = ports.filter(({ hostPort = 0 }) => hostPort > 0);
  return {
    name,
    resources: { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) },
    ...(held.length === 0 ? {} : { ports: held.map(({ hostPort, hostIP, protocol }) => ({ containerPort: hostPort, hostPort, ...(hostIP === undefined ? {} : { hostIP }), ...(protocol === undefined ? {} : { protocol }) })) }),
  };
}

/** What init containers need beyond all that runs later. */
function restOf(spec: PodSpec, mirrored: readonly Record<string, unknown>[], image: string): Record<string, unknown>[] {
  const { initContainers: _init, ...rest } = spec;
  const missing = difference(requestsOf({ spec }), requestsOf({ spec: { ...rest, containers: [...mirrored] } }));
  if (missing.length === 0) return [];
  const requests = Object.fromEntries(missing);
  // Of what cannot be overcommitted the API server wants both.
  const limits = Object.fromEntries(missing.filter(([resource]) => resource.includes('/') || resource.startsWith('hugepages-')));
  return [{ name: REST, image, resources: { requests, ...(Object.keys(limits).length === 0 ? {} : { limits }) }, securityContext: CONFINED }];
}

function difference(wanted: Amounts, given: Amounts): [string, string][] {
  return [...wanted].flatMap(([resource, amount]) => {
    const lacking = amount - (given.get(resource) ?? 0n);
    return lacking > 0n ? [[resource, resource === 'cpu' ? `${lacking}m` : String(lacking)] as [string, string]] : [];
  });
}
