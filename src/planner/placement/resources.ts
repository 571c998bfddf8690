// What a pod requests, and whether a node has that much left. The arithmetic is Kubernetes': exact quantities are added up per pod, then
// rounded up to thousandths of a CPU and whole units of everything else.

import { parseQuantity } from '../../kubernetes/quantity.ts';
import type { Pod, PodSpec } from '../../kubernetes/objects.ts';
import { leavesFrom } from './arrival.ts';
import { containersOf, initContainersOf, isSidecar, type Container, type ResourceRequirements } from './containers.ts';
import { PASSES, type Filter } from './filter.ts';
import type { NodeSite } from './landscape.ts';

/** Thousandths of a CPU, whole units of everything else, by resource. */
export type Amounts = ReadonlyMap<string, bigint>;

export const resources: Filter = ({ pod, leaving }) => {
  const wanted = [...requestsOf({ spec: pod.spec })].filter(([, amount]) => amount > 0n);
  return (site) => {
    const gone = leavesFrom(site, leaving) ? leaving : undefined;
    const room = roomOn(site);
    const reasons = BigInt(site.pods.length - (gone === undefined ? 0 : 1)) < (room.get('pods') ?? 0n) ? [] : ['Too many pods'];
    if (wanted.length === 0) return reasons;
    const given = gone === undefined ? undefined : requestsOf(gone);
    const total = requestedOn(site);
    const lacking = wanted.filter(([resource, amount]) => (total.get(resource) ?? 0n) - (given?.get(resource) ?? 0n) + amount > (room.get(resource) ?? 0n));
    return reasons.length + lacking.length === 0 ? PASSES : [...reasons, ...lacking.map(([resource]) => `Insufficient ${resource}`)];
  };
};

const totals = new WeakMap<NodeSite, Amounts>();

function requestedOn(site: NodeSite): Amounts {
  const known = totals.get(site);
  if (known !== undefined) return known;
  const total = new Map<string, bigint>();
  for (const pod of site.pods) for (const [resource, amount] of requestsOf(pod)) total.set(resource, (total.get(resource) ?? 0n) + amount);
  totals.set(site, total);
  return total;
}

const rooms = new WeakMap<NodeSite, Amounts>();

function roomOn(site: NodeSite): Amounts {
  const known = rooms.get(site);
  if (known !== undefined) return known;
  const room = new Map(Object.entries(site.node.status?.allocatable ?? {}).map(([resource, quantity]) => [resource, rounded(resource, parseQuantity(quantity))]));
  rooms.set(site, room);
  return room;
}

const requests = new WeakMap<PodSpec, Amounts>();

/** What the pod holds, or would hold, on its node; with a status what an in-place resize has left it with. */
export function requestsOf(pod: Pick<Pod, 'spec' | 'status'>): Amounts {
  // While the kubelet has reported nothing the spec says it all, and a spec never changes under its object.
  const settled = !reportsResources(pod);
  const known = settled ? requests.get(pod.spec) : undefined;
  if (known !== undefined) return known;
  const amounts = new Map([...sumOf(pod)].flatMap(([resource, quantity]) => (isCounted(resource) ? [[resource, rounded(resource, quantity)] as const] : [])));
  if (settled) requests.set(pod.spec, amounts);
  return amounts;
}

/** The scheduler looks at no other native resource. */
function isCounted(resource: string): boolean {
  return ['cpu', 'memory', 'ephemeral-storage'].includes(resource) || resource.includes('/') || /^(?:hugepages|attachable-volumes)-/.test(resource);
}

const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;

/** `quantity` in billionths. */
function rounded(resource: string, quantity: bigint): bigint {
  const unit = resource === 'cpu' ? MILLI : NANO;
  return (quantity + unit - 1n) / unit;
}

/** In billionths. */
type Quantities = Map<string, bigint>;

function sumOf(pod: Pick<Pod, 'spec' | 'status'>): Quantities {
  const sum = ofContainers(pod);
  for (const [resource, quantity] of ofPod(pod, sum)) sum.set(resource, quantity);
  add(sum, quantities(pod.spec['overhead'] as Record<string, string> | undefined));
  return sum;
}

/** What is set for the pod as a whole, and takes the place of its containers' sum. */
function ofPod(pod: Pick<Pod, 'spec' | 'status'>, ofAllContainers: Quantities): Quantities {
  const { requests: own = {}, limits } = (pod.spec['resources'] as ResourceRequirements | undefined) ?? {};
  const actual = effective(pod, quantities(own), pod.status as Resize | undefined);
  const set = [...quantities(own).keys()].map((resource) => [resource, actual.get(resource) ?? 0n] as const);
  // What only a limit is set for is requested that much, unless the containers say otherwise.
  const limited = [...quantities(limits)].filter(([resource]) => own[resource] === undefined && !ofAllContainers.has(resource));
  return new Map([...set, ...limited].filter(([resource]) => isPodLevel(resource)));
}

function isPodLevel(resource: string): boolean {
  return resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-');
}

/**
 * All containers and sidecars together, or the most that is needed while the init containers run: each of them with the sidecars that
 * were started before it.
 */
function ofContainers(pod: Pick<Pod, 'spec' | 'status'>): Quantities {
  const sum: Quantities = new Map();
  for (const container of containersOf(pod.spec)) add(sum, requestOf(container, pod));
  const started: Quantities = new Map();
  const peak: Quantities = new Map();
  for (const container of initContainersOf(pod.spec)) {
    const request = isSidecar(container) ? requestOf(container, pod) : quantities(defaulted(container.resources));
    if (isSidecar(container)) {
      add(sum, request);
      add(started, request);
      raise(peak, started);
    } else {
      add(request, started);
      raise(peak, request);
    }
  }
  raise(sum, peak);
  return sum;
}

function requestOf(container: Container, pod: Pick<Pod, 'status' | 'spec'>): Quantities {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...((pod.status?.['initContainerStatuses'] as Record<string, unknown>[] | undefined) ?? [])];
  const status = statuses.find(({ name }) => name === container.name) as Resize | undefined;
  return effective(pod, quantities(defaulted(container.resources)), status);
}

/** As the API server defaults it in a pod, but not in a template. */
function defaulted({ requests: own = {}, limits = {} }: ResourceRequirements = {}): Readonly<Record<string, string>> {
  return { ...limits, ...own };
}

/** What a status says about a resize: what is in force, and what the kubelet has set aside. */
interface Resize {
  resources?: ResourceRequirements;
  allocatedResources?: Readonly<Record<string, string>>;
}

function reportsResources({ status }: Pick<Pod, 'status'>): boolean {
  if (status === undefined) return false;
  const statuses = [...(status.containerStatuses ?? []), ...((status['initContainerStatuses'] as Record<string, unknown>[] | undefined) ?? [])];
  return status['resources'] !== undefined || statuses.some((one) => one['resources'] !== undefined);
}

/** The most of what is asked for, in force and set aside; a resize that can never be is not counted. */
function effective({ status }: Pick<Pod, 'status'>, asked: Quantities, resize: Resize | undefined): Quantities {
  if (resize?.resources === undefined) return asked;
  const infeasible = status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') === true;
  const most: Quantities = infeasible ? new Map() : asked;
  raise(most, quantities(resize.resources.requests));
  raise(most, quantities(resize.allocatedResources));
  return most;
}

function quantities(list: Readonly<Record<string, string>> = {}): Quantities {
  return new Map(Object.entries(list).map(([resource, quantity]) => [resource, parseQuantity(quantity)]));
}

function add(sum: Quantities, more: Quantities): void {
  for (const [resource, quantity] of more) sum.set(resource, (sum.get(resource) ?? 0n) + quantity);
}

function raise(most: Quantities, other: Quantities): void {
  for (const [resource, quantity] of other) if (quantity > (most.get(resource) ?? -1n)) most.set(resource, quantity);
}
