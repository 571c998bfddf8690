// Worlds drawn by seed: nodes, what runs on them, and a pod that wants in. Every rule that the placement knows occurs, in such doses that
// about half of the zones do.

import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodSpec, Volume, VolumeAttachment } from '../../src/kubernetes/objects.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';

export const DRIVER = 'diskplugin.csi.alibabacloud.com';
export const CATEGORY = 'cloud_essd';
export const ZONE_KEY = 'topology.kubernetes.io/zone';
export const ZONES = ['za', 'zb', 'zc'] as const;
/** Of the probe; the others only have something to say about it. */
export const HOME = 'home';
/** Namespace to labels. */
export const NAMESPACES: Readonly<Record<string, Record<string, string>>> = { [HOME]: { team: 'red', size: 'small' }, other: { team: 'blue', size: 'small' }, third: { team: 'red' } };
/** Adds 100m and 64Mi to whoever names it. */
export const RUNTIME_CLASS = 'boxed';
/** Binds at once. */
export const BOUND_CLASS = 'placement-bound';
/** WaitForFirstConsumer, in zones za and zb only; nobody provisions. */
export const OPEN_CLASS = 'placement-open';

/** A claim with the volume it is bound to; without one it waits for its first consumer. */
export interface DrawnClaim {
  claim: PersistentVolumeClaim;
  volume: PersistentVolume | undefined;
}

export interface DrawnPod {
  pod: Pod;
  /** What becomes of it once it is there. */
  fate: 'runs' | 'terminates' | 'ended' | 'resized';
}

export interface DrawnWorld {
  seed: number;
  nodes: Node[];
  csiNodes: CSINode[];
  pods: DrawnPod[];
  claims: DrawnClaim[];
  attachments: VolumeAttachment[];
  /** The pod that wants in, without its disk. */
  probe: Pod;
  /** Where it runs now, if that is anywhere: its node's index. */
  presentNode: number;
}

/** A claim and volume of a name, for the probe's disk and the others alike. */
export function diskOf({ name, namespace, terms, labels = {} }: { name: string; namespace: string; terms: { key: string; values: string[] }[]; labels?: Record<string, string> }): DrawnClaim {
  const storage = '20Gi';
  const required = { nodeSelectorTerms: [{ matchExpressions: terms.map(({ key, values }) => ({ key, operator: 'In', values })) }] };
  return {
    claim: {
      metadata: { name, namespace },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: BOUND_CLASS, volumeMode: 'Filesystem', volumeName: `pv-${name}`, resources: { requests: { storage } } },
    },
    volume: {
      metadata: { name: `pv-${name}`, labels },
      spec: {
        capacity: { storage },
        accessModes: ['ReadWriteOnce'],
        storageClassName: BOUND_CLASS,
        volumeMode: 'Filesystem',
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name },
        csi: { driver: DRIVER, volumeHandle: `d-${name}` },
        ...(terms.length === 0 ? {} : { nodeAffinity: { required } }),
      },
    },
  };
}

export function claimVolume(name: string, claimName: string): Volume {
  return { name, persistentVolumeClaim: { claimName } };
}

export function drawWorld(seed: number): DrawnWorld {
  const chance = new Chance(new SeededRandom(seed));
  const mood = drawMood(chance);
  const nodes = ZONES.flatMap((zone) => chance.times(chance.pick([0, 1, 1, 2, 2, 3]), (index) => drawNode({ name: `w${seed}-${zone}-${index}`, zone }, chance, mood)));
  if (nodes.length === 0) nodes.push(drawNode({ name: `w${seed}-za-0`, zone: 'za' }, chance, mood));
  const claims: DrawnClaim[] = [];
  const pods = chance.times(chance.upTo(mood.crowded ? 18 : 10), (index) => drawPod({ name: `w${seed}-pod-${index}`, nodes, claims }, chance, mood));
  const attachments = chance.of(mood.dose('volumes', 0.3)) ? chance.times(1 + chance.upTo(2), (index) => drawAttachment({ name: `w${seed}-left-${index}`, nodes, claims }, chance)) : [];
  return {
    seed,
    nodes,
    csiNodes: nodes.map((node) => drawCsiNode(node.metadata.name, chance, mood)),
    pods,
    attachments,
    probe: drawProbe({ name: `w${seed}-probe`, nodes, claims, pods }, chance, mood),
    presentNode: chance.upTo(nodes.length - 1),
    claims,
  };
}

type Subject = 'taints' | 'resources' | 'affinity' | 'spread' | 'volumes' | 'ports';

interface Mood {
  /** Nodes are small. */
  tight: boolean;
  /** Nodes are so big that nobody lacks anything. */
  roomy: boolean;
  crowded: boolean;
  /** Most pods are of one app and one namespace, and that is what rules are about. */
  alike: boolean;
  /** How likely something is in a world that is about its subject, about another one, or about all of them. */
  dose: (subject: Subject, probability: number) => number;
}

/** Most of the worlds are about one subject: in the others one rule hides behind another. */
function drawMood(chance: Chance): Mood {
  const theme = chance.pick<Subject | 'all'>(['all', 'all', 'all', 'all', 'taints', 'resources', 'affinity', 'affinity', 'spread', 'spread', 'spread', 'spread', 'volumes', 'ports']);
  const dose = (subject: Subject, probability: number): number => {
    if (theme === 'all') return probability;
    return theme === subject ? Math.min(0.9, probability * 3) : probability * (subject === 'taints' && theme === 'spread' ? 1.5 : 0.15);
  };
  return { tight: chance.of(dose('resources', 0.22)), roomy: theme !== 'all' && theme !== 'resources', crowded: chance.of(theme === 'spread' ? 0.9 : 0.35), alike: theme === 'spread' || (theme === 'affinity' && chance.of(0.5)), dose };
}

class Chance {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  of(probability: number): boolean {
    return this.#random.next() < probability;
  }

  /** 0 to most. */
  upTo(most: number): number {
    return Math.floor(this.#random.next() * (most + 1));
  }

  pick<T>(items: readonly T[]): T {
    const found = items[Math.floor(this.#random.next() * items.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }

  /** Each with its own luck. */
  some<T>(items: readonly T[], probability: number): T[] {
    return items.filter(() => this.of(probability));
  }

  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  /** The entry, or none. */
  maybe<T extends object>(probability: number, make: () => T): T | object {
    return this.of(probability) ? make() : {};
  }
}

function drawNode({ name, zone }: { name: string; zone: string }, chance: Chance, { tight, roomy, dose }: Mood): Node {
  const allocatable = {
    cpu: roomy ? '64' : chance.pick(tight ? ['500m', '1', '1500m'] : ['2', '4', '3900m']),
    memory: roomy ? '64Gi' : chance.pick(tight ? ['512Mi', '1Gi', '1100M'] : ['4Gi', '8Gi', '5000000Ki']),
    pods: roomy ? '50' : chance.pick(tight ? ['1', '2', '4'] : ['4', '8', '20']),
    'ephemeral-storage': chance.pick(['5Gi', '20Gi']),
    'hugepages-2Mi': chance.pick(['0', '64Mi']),
    ...chance.maybe(0.5, () => ({ 'example.com/gpu': chance.pick(['1', '2']) })),
  };
  const ready = !chance.of(dose('taints', 0.04));
  const taints = [
    ...chance.some(
      [
        { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
        { key: 'dedicated', value: 'cpu', effect: 'NoExecute' },
        { key: 'flaky', effect: 'NoSchedule' },
        { key: 'old', value: 'yes', effect: 'PreferNoSchedule' },
      ],
      dose('taints', 0.08),
    ),
    ...(ready ? [] : [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]),
  ];
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        [ZONE_KEY]: zone,
        'topology.diskplugin.csi.alibabacloud.com/zone': zone,
        'topology.kubernetes.io/region': 'r',
        [`node.csi.alibabacloud.com/disktype.${CATEGORY}`]: 'available',
        ...chance.maybe(0.8, () => ({ pool: chance.pick(['x', 'y']) })),
        ...chance.maybe(0.8, () => ({ rank: String(chance.upTo(9)) })),
        ...chance.maybe(0.8, () => ({ rack: chance.pick(['r1', 'r2', 'r3']) })),
      },
    },
    spec: { ...chance.maybe(dose('taints', 0.08), () => ({ unschedulable: true })), ...(taints.length === 0 ? {} : { taints }) },
    status: { capacity: allocatable, allocatable, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason: 'Drawn' }] },
  };
}

function drawCsiNode(name: string, chance: Chance, { tight, dose }: Mood): CSINode {
  const count = chance.pick(tight || chance.of(dose('volumes', 0.2)) ? [1, 2, 3] : [3, 5, 8]);
  return { metadata: { name }, spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys: [ZONE_KEY], ...chance.maybe(0.85, () => ({ allocatable: { count } })) }] } };
}

const LABELS = { app: ['db', 'web', 'cache'], tier: ['1', '2'], track: ['stable', 'canary'] };

function drawLabels(chance: Chance, { alike }: Mood): Record<string, string> {
  const own = alike && chance.of(0.85) ? { app: 'db' } : {};
  const drawn = Object.fromEntries(Object.entries(LABELS).flatMap(([key, values]) => (chance.of(0.8) ? [[key, chance.pick(values)]] : [])));
  return { ...drawn, ...own };
}

interface PodSite {
  name: string;
  nodes: readonly Node[];
  claims: DrawnClaim[];
}

function drawPod({ name, nodes, claims }: PodSite, chance: Chance, mood: Mood): DrawnPod {
  const namespace = mood.alike && chance.of(0.85) ? HOME : chance.pick([HOME, HOME, 'other', 'third']);
  const node = chance.pick(nodes);
  const fate = chance.pick(['runs', 'runs', 'runs', 'runs', 'runs', 'runs', 'terminates', 'ended', 'resized'] as const);
  const volumes: Volume[] = [];
  if (chance.of(mood.dose('volumes', 0.35))) {
    const disk = diskOf({ name: `${name}-disk`, namespace, terms: [{ key: ZONE_KEY, values: [node.metadata.labels?.[ZONE_KEY] ?? ''] }] });
    claims.push(disk);
    volumes.push(claimVolume('disk', disk.claim.metadata.name));
  }
  const spec: PodSpec = {
    ...drawRunning(chance, mood),
    ...chance.maybe(mood.dose('affinity', 0.12), () => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [drawTerm(chance, mood)] } } })),
    volumes,
    nodeName: node.metadata.name,
    // Nobody is to be evicted in the middle of it.
    tolerations: [{ operator: 'Exists' }],
  };
  return { pod: { metadata: { name, namespace, labels: drawLabels(chance, mood) }, spec }, fate };
}

/** Containers with what they ask for. */
function drawRunning(chance: Chance, mood: Mood): Partial<PodSpec> {
  const free = ['TCP', 'UDP'].flatMap((protocol) => [8080, 9090].map((hostPort) => ({ protocol, hostPort })));
  const containers = chance.times(1 + chance.upTo(1), (index) => ({ name: `c${index}`, image: 'none', ...drawResources(chance, mood), ...drawPorts(free, chance, mood) }));
  const initContainers = chance.of(0.4)
    ? chance.times(1 + chance.upTo(1), (index) => ({ name: `i${index}`, image: 'none', ...drawResources(chance, mood), ...(chance.of(0.5) ? { restartPolicy: 'Always', ...drawPorts(free, chance, mood) } : {}) }))
    : [];
  return {
    containers,
    ...(initContainers.length === 0 ? {} : { initContainers }),
    ...chance.maybe(0.15, () => ({ runtimeClassName: RUNTIME_CLASS })),
    ...chance.maybe(0.15, () => ({ resources: { requests: { cpu: chance.pick(['1500m', '2']), memory: chance.pick(['1500Mi', '2Gi']) } } })),
  };
}

function drawResources(chance: Chance, { dose }: Mood): object {
  const requests = {
    ...chance.maybe(0.7, () => ({ cpu: chance.pick(['100m', '250m', '0.3', '333m', '0.1005']) })),
    ...chance.maybe(0.7, () => ({ memory: chance.pick(['64Mi', '200M', '300Mi', '128974848']) })),
    ...chance.maybe(0.15, () => ({ 'ephemeral-storage': chance.pick(['1Gi', '3Gi']) })),
  };
  const limits = {
    ...chance.maybe(dose('resources', 0.08), () => ({ 'example.com/gpu': '1' })),
    ...chance.maybe(dose('resources', 0.06), () => ({ 'hugepages-2Mi': chance.pick(['32Mi', '64Mi']), memory: '400Mi', cpu: '400m' })),
  };
  return { resources: { requests, ...(Object.keys(limits).length === 0 ? {} : { limits }) } };
}

/** Within a pod each port can be had once. */
function drawPorts(free: { protocol: string; hostPort: number }[], chance: Chance, { dose }: Mood): object {
  return chance.maybe(dose('ports', 0.1), () => ({
    ports: free.splice(chance.upTo(free.length - 1), 1).map((port) => ({ containerPort: 80, ...port, ...chance.maybe(0.4, () => ({ hostIP: chance.pick(['10.0.0.1', '10.0.0.2', '0.0.0.0']) })) })),
  }));
}

function drawAttachment({ name, nodes, claims }: PodSite, chance: Chance): VolumeAttachment {
  const node = chance.pick(nodes);
  const inUse = claims.filter(({ volume }) => volume !== undefined);
  // Also one that a pod of the node uses: it counts once.
  if (inUse.length > 0 && chance.of(0.4)) {
    return { metadata: { name }, spec: { attacher: DRIVER, nodeName: node.metadata.name, source: { persistentVolumeName: chance.pick(inUse).volume?.metadata.name ?? '' } } };
  }
  const disk = diskOf({ name, namespace: 'other', terms: [{ key: ZONE_KEY, values: [node.metadata.labels?.[ZONE_KEY] ?? ''] }] });
  claims.push(disk);
  return { metadata: { name }, spec: { attacher: DRIVER, nodeName: node.metadata.name, source: { persistentVolumeName: `pv-${name}` } } };
}

const TOPOLOGIES = [ZONE_KEY, 'kubernetes.io/hostname', 'rack'];

function drawSelector(chance: Chance, { alike }: Mood): object {
  if (alike && chance.of(0.75)) return { matchLabels: { app: 'db' } };
  const [key, values] = chance.pick(Object.entries(LABELS));
  const expression = chance.pick([
    { key, operator: 'In', values: [chance.pick(values)] },
    { key, operator: 'NotIn', values: [chance.pick(values)] },
    { key, operator: 'Exists' },
    { key, operator: 'DoesNotExist' },
  ]);
  const plain = { matchLabels: { app: chance.pick(LABELS.app) } };
  const mixed = { matchLabels: { app: chance.pick(LABELS.app) }, matchExpressions: [expression] };
  return chance.pick([plain, plain, plain, mixed, { matchExpressions: [expression] }, ...(chance.of(0.1) ? [{}] : [])]);
}

function drawTerm(chance: Chance, mood: Mood): object {
  const scope = chance.pick([
    {},
    {},
    { namespaces: ['other'] },
    { namespaceSelector: {} },
    { namespaceSelector: { matchLabels: { team: 'red' } } },
    { namespaces: ['other'], namespaceSelector: { matchExpressions: [{ key: 'size', operator: 'DoesNotExist' }] } },
  ]);
  // A key may not be in the selector as well.
  const keys = chance.of(0.2) ? { labelSelector: { matchLabels: { app: chance.pick(LABELS.app) } }, [chance.pick(['matchLabelKeys', 'mismatchLabelKeys'])]: ['track'] } : { labelSelector: drawSelector(chance, mood) };
  return { topologyKey: chance.pick(TOPOLOGIES), ...keys, ...scope };
}

function drawProbe(about: PodSite & { pods: readonly DrawnPod[] }, chance: Chance, mood: Mood): Pod {
  const { dose } = mood;
  const affinity = {
    ...chance.maybe(dose('affinity', 0.2), () => ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: chance.times(1 + chance.upTo(1), () => drawNodeTerm(about.nodes, chance)) } } })),
    ...chance.maybe(dose('affinity', 0.12), () => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: chance.times(1 + chance.upTo(1), () => drawTerm(chance, mood)) } })),
    ...chance.maybe(dose('affinity', 0.2), () => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: chance.times(1 + chance.upTo(1), () => drawTerm(chance, mood)) } })),
  };
  const volumes = chance.of(dose('volumes', 0.25)) ? [drawOtherVolume(about, chance)] : [];
  const spread = chance.of(dose('spread', 0.3)) ? distinctConstraints(chance.times(1 + chance.upTo(1), () => drawConstraint(chance, mood))) : [];
  return {
    metadata: { name: about.name, namespace: HOME, labels: drawLabels(chance, mood) },
    spec: {
      ...drawRunning(chance, mood),
      ...chance.maybe(dose('affinity', 0.12) + dose('spread', 0.1), () => ({ nodeSelector: { pool: chance.pick(['x', 'y']) } })),
      ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
      ...(spread.length === 0 ? {} : { topologySpreadConstraints: spread }),
      tolerations: drawTolerations(chance),
      volumes,
    },
  };
}

/** Two for one topology and the same answer to a miss are refused. */
function distinctConstraints(all: Record<string, unknown>[]): Record<string, unknown>[] {
  return [...new Map(all.map((one) => [`${String(one['topologyKey'])} ${String(one['whenUnsatisfiable'])}`, one])).values()];
}

function drawTolerations(chance: Chance): Record<string, unknown>[] {
  return chance.some(
    [
      { key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' },
      { key: 'dedicated', operator: 'Exists' },
      { key: 'flaky' },
      { key: 'flaky', operator: 'Exists', effect: 'NoExecute' },
      { operator: 'Exists', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'dedicated', value: 'cpu' },
    ],
    0.1,
  );
}

function drawNodeTerm(nodes: readonly Node[], chance: Chance): object {
  const expressions = [
    { key: 'pool', operator: 'In', values: chance.pick([['x'], ['x', 'y']]) },
    { key: 'pool', operator: 'NotIn', values: ['y'] },
    { key: 'rank', operator: 'Gt', values: [String(chance.upTo(5))] },
    { key: 'rank', operator: 'Lt', values: [String(3 + chance.upTo(6))] },
    { key: 'rack', operator: 'Exists' },
    { key: 'rack', operator: 'DoesNotExist' },
  ];
  const field = { key: 'metadata.name', operator: chance.pick(['In', 'NotIn', 'NotIn']), values: [chance.pick(nodes).metadata.name] };
  const chosen = [chance.pick(expressions), ...chance.some(expressions, 0.08)];
  return chance.pick([{ matchExpressions: chosen }, { matchExpressions: chosen }, { matchExpressions: chosen, matchFields: [field] }, { matchFields: [field] }]);
}

function drawConstraint(chance: Chance, mood: Mood): Record<string, unknown> {
  const minDomains = chance.maybe(0.3, () => ({ minDomains: 1 + chance.upTo(4) }));
  const whenUnsatisfiable = chance.of(0.85) ? 'DoNotSchedule' : 'ScheduleAnyway';
  // A key may not be in the selector as well.
  const selector = chance.of(0.2) ? { labelSelector: { matchLabels: { app: chance.pick(LABELS.app) } }, matchLabelKeys: ['track'] } : { labelSelector: drawSelector(chance, mood) };
  return {
    maxSkew: chance.pick([1, 1, 1, 2, 3]),
    topologyKey: chance.pick(TOPOLOGIES),
    whenUnsatisfiable,
    ...selector,
    ...(whenUnsatisfiable === 'DoNotSchedule' ? minDomains : {}),
    ...chance.maybe(0.6, () => ({ nodeAffinityPolicy: chance.pick(['Honor', 'Ignore']) })),
    ...chance.maybe(0.6, () => ({ nodeTaintsPolicy: chance.pick(['Honor', 'Ignore']) })),
  };
}

/** A claim that stays where it is, is shared, or waits for its first consumer. */
function drawOtherVolume({ name, claims, pods }: PodSite & { pods: readonly DrawnPod[] }, chance: Chance): Volume {
  const shared = pods.filter(({ pod }) => pod.metadata.namespace === HOME).flatMap(({ pod }) => pod.spec.volumes ?? []);
  const kind = chance.pick(['zonal', 'spanning', 'labelled', 'anywhere', 'open', ...(shared.length > 0 ? ['shared', 'shared'] : [])]);
  if (kind === 'shared') return claimVolume('extra', chance.pick(shared).persistentVolumeClaim?.claimName ?? '');
  const claimName = `${name}-extra`;
  if (kind === 'open') {
    claims.push({
      claim: { metadata: { name: claimName, namespace: HOME }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: OPEN_CLASS, resources: { requests: { storage: '1Gi' } } } },
      volume: undefined,
    });
    return claimVolume('extra', claimName);
  }
  const zones = { zonal: [chance.pick(ZONES)], spanning: ['za', 'zc'], labelled: undefined, anywhere: undefined }[kind];
  const labels = kind === 'labelled' ? { [chance.pick([ZONE_KEY, 'failure-domain.beta.kubernetes.io/zone'])]: chance.pick(['za', 'za__zb', 'zc']) } : {};
  claims.push(diskOf({ name: claimName, namespace: HOME, terms: zones === undefined ? [] : [{ key: ZONE_KEY, values: zones }], labels }));
  return claimVolume('extra', claimName);
}
