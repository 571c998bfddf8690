// One drawn world, asked twice: our verdict on each zone, by the way that the product takes, and what the real scheduler does with a pod
// whose disk is there.

import type { Api } from '../../src/kubernetes/api.ts';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { buildLayout, ordinalIn } from '../../src/layout/layout.ts';
import type { Surroundings } from '../../src/layout/surroundings.ts';
import { zoneOfNode } from '../../src/layout/zones.ts';
import { judge } from '../../src/planner/placement/filters.ts';
import { landscapeOf } from '../../src/planner/placement/landscape.ts';
import { zoneVerdict, type ZoneVerdict } from '../../src/planner/placement/verdict.ts';
import { cloud, disk } from '../builders/cloud.ts';
import { claim, statefulSet, volume } from '../builders/kubernetes.ts';
import { CATEGORY, HOME, ZONES, claimVolume, drawWorld, type DrawnClaim, type DrawnWorld } from './draw.ts';
import { probeDisk, Stage, type Answer } from './stage.ts';

export interface Comparison {
  seed: number;
  /** A zone, or a node that the disk was tied to besides. */
  where: string;
  /** `agree`; `refused`: we refuse and it fits, the safe side; `accepted`: we accept and it does not fit, or it landed where we refuse. */
  outcome: 'agree' | 'refused' | 'accepted';
  fits: boolean;
  /** Whether both give the same reasons, counted alike; undefined where there is nothing to compare. */
  sameReasons: boolean | undefined;
  ours: string;
  theirs: string;
}

/** `nodes`: also one node of each zone that has several, which takes half as long again. */
export async function compareWorld(api: Api, seed: number, { nodes = true }: { nodes?: boolean } = {}): Promise<Comparison[]> {
  const world = drawWorld(seed);
  const stage = new Stage(api, world);
  try {
    const questions = questionsOf(world).filter(({ node }) => nodes || node === undefined);
    await stage.build(questions.map((question) => question.disk));
    const comparisons: Comparison[] = [];
    for (const question of questions) comparisons.push(await compare(stage, world, question));
    return comparisons;
  } finally {
    await stage.clear();
  }
}

interface Question {
  where: string;
  zone: string;
  /** Only this one is asked about. */
  node?: string;
  disk: DrawnClaim;
}

/** Each zone, and one node of each that has several. */
function questionsOf(world: DrawnWorld): Question[] {
  return ZONES.flatMap((zone): Question[] => {
    const own = world.nodes.filter((node) => zoneOfNode(node) === zone).map(({ metadata }) => metadata.name);
    const node = own[world.seed % Math.max(own.length, 1)];
    const whole: Question = { where: zone, zone, disk: probeDisk(world, { zone }) };
    return own.length < 2 || node === undefined ? [whole] : [whole, { where: node, zone, node, disk: probeDisk(world, { zone, node }) }];
  });
}

async function compare(stage: Stage, world: DrawnWorld, question: Question): Promise<Comparison> {
  const probe = await stage.admitted(world.probe);
  let expectation = expectationOf(world, { question, probe, around: await stage.surroundings() });
  const answer = await stage.ask(world.probe, { disk: question.disk, expected: (given) => outcomeOf(expectation, given) === 'agree' && expectation.reasons === reasonsIn(given) });
  if (outcomeOf(expectation, answer) !== 'agree') expectation = expectationOf(world, { question, probe, around: await stage.surroundings() });
  const theirs = reasonsIn(answer);
  return {
    seed: world.seed,
    where: question.where,
    outcome: outcomeOf(expectation, answer),
    fits: 'node' in answer,
    sameReasons: theirs === undefined || expectation.fits.length > 0 || isReadTwoWays(world.probe) ? undefined : theirs === expectation.reasons,
    ours: expectation.fits.length > 0 ? `fits on ${expectation.fits.join(', ')}` : expectation.reasons,
    theirs: 'node' in answer ? `on ${answer.node}` : answer.message,
  };
}

/** A namespace selector that only excludes: the scheduler of 1.36 takes it for every namespace, and we ask for both readings. */
function isReadTwoWays({ spec }: Pod): boolean {
  return JSON.stringify(spec.affinity ?? {}).includes('"namespaceSelector":{"matchExpressions":[{"key":"size","operator":"DoesNotExist"');
}

interface Expectation {
  /** Nodes that our verdict accepts. */
  fits: readonly string[];
  /** What the scheduler says of all nodes when none does. */
  reasons: string;
}

function outcomeOf({ fits }: Expectation, answer: Answer): Comparison['outcome'] {
  if ('message' in answer) return fits.length === 0 ? 'agree' : 'accepted';
  if (fits.length === 0) return 'refused';
  return fits.includes(answer.node) ? 'agree' : 'refused';
}

interface Seen {
  question: Question;
  /** As admitted. */
  probe: Pod;
  around: Surroundings;
}

function expectationOf(world: DrawnWorld, seen: Seen): Expectation {
  const { fits } = verdictOf(world, seen);
  return { fits: seen.question.node === undefined ? fits : fits.filter((name) => name === seen.question.node), reasons: reasonsFor(seen) };
}

const ORDINAL = 0;
const CLAIM = 'data-probe-0';

/** As the product decides: the pod is ordinal 0 of a set, runs on some node, and its disk is in another zone. */
function verdictOf(world: DrawnWorld, { question, probe, around }: Seen): ZoneVerdict {
  const set = statefulSet({ name: 'probe', namespace: HOME, replicas: 1 });
  const old = volume({ claim: CLAIM, namespace: HOME, zone: 'elsewhere' });
  const present: Pod = {
    ...probe,
    metadata: { ...probe.metadata, name: 'probe-0', uid: 'present', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'probe', uid: set.metadata.uid ?? '', controller: true }] },
    spec: { ...probe.spec, nodeName: world.nodes[world.presentNode]?.metadata.name ?? '', volumes: [claimVolume('data', CLAIM), ...(probe.spec.volumes ?? [])] },
    status: { phase: 'Running' },
  };
  const surroundings = { ...around, pods: [...around.pods, present], claims: [...around.claims, claim({ name: CLAIM, namespace: HOME })], volumes: [...around.volumes, old] };
  const layout = buildLayout({
    set,
    namespaceTerminating: false,
    pods: surroundings.pods.filter(({ metadata }) => metadata.namespace === HOME),
    claims: surroundings.claims.filter(({ metadata }) => metadata.namespace === HOME),
    volumes: surroundings.volumes,
    volumesByHandle: new Map(),
    storageClasses: around.storageClasses,
    nodes: around.nodes,
    csiNodes: around.csiNodes,
    budgets: [],
    surroundings,
    disks: new Map([[`d-${CLAIM}`, disk({ id: `d-${CLAIM}`, zone: 'elsewhere', category: CATEGORY })]]),
    snapshots: new Map(),
    cloud,
  });
  const ordinal = ordinalIn(layout, ORDINAL);
  if (ordinal === undefined) throw new Error('the set has no ordinal 0');
  return zoneVerdict({ layout, ordinal, zone: question.zone });
}

/** Of every node of the cluster, for the pod as it is asked for: with its new disk. */
function reasonsFor({ question, probe, around }: Seen): string {
  const landscape = landscapeOf(around);
  const names = (probe.spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const others = names.flatMap((name) => landscape.claim(HOME, name) ?? []);
  const arrival = {
    pod: { namespace: HOME, labels: probe.metadata.labels ?? {}, spec: probe.spec },
    leaving: undefined,
    volumes: [question.disk.volume, ...others.map(({ spec }) => landscape.volume(spec.volumeName ?? ''))].filter((one) => one !== undefined),
    newDisks: [],
    openClaims: others.filter(({ spec }) => spec.volumeName === undefined).map((open) => ({ name: open.metadata.name, claim: open, storageClass: landscape.storageClass(open.spec.storageClassName) })),
    released: new Set<string>(),
    siblingsMayMove: false,
  };
  const reasonsOf = judge(arrival, landscape);
  return histogram(landscape.sites.flatMap((site) => reasonsOf(site).map((reason) => [reason, 1])));
}

/** In the same words; undefined when there are none to compare: the pod has a node, or no node was looked at one by one. */
function reasonsIn(answer: Answer): string | undefined {
  if ('node' in answer) return undefined;
  const [, list = ''] = /nodes are available: (.*?)\.(?: |$)/.exec(answer.message) ?? [];
  if (list.includes("didn't satisfy plugin(s)") || !/^\d/.test(list)) return undefined;
  return histogram(list.split(', ').map((part) => [part.replace(/^\d+ /, ''), Number.parseInt(part, 10)]));
}

function histogram(reasons: readonly (readonly [string, number])[]): string {
  const counts = new Map<string, number>();
  for (const [reason, count] of reasons) {
    // Since 1.36 the scheduler does not name the taint any more.
    const word = reason.replace(/untolerated taint \{.*\}$/, 'untolerated taint(s)');
    counts.set(word, (counts.get(word) ?? 0) + count);
  }
  return [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted().join(', ');
}
