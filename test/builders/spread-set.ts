// A whole set at rest: each ordinal Ready on a node of its zone, its claims bound to zonal disks there, a Ready node in every zone.

import type { LayoutInputs } from '../../src/layout/layout.ts';
import type { Disk, Snapshot } from '../../src/ports/disks.ts';
import type { StatefulSet } from '../../src/kubernetes/objects.ts';
import { cloud, disk } from './cloud.ts';
import { claim, csiNode, node, pod, statefulSet, storageClass, volume, type SetOptions } from './kubernetes.ts';

export interface SpreadSetOptions extends Omit<SetOptions, 'replicas'> {
  /** Zone of each ordinal, from the first one on. */
  zones: string[];
  /** Zones that have a Ready node; default a, b, c. */
  nodeZones?: string[];
  /** Of each ordinal; default 20. */
  sizesGiB?: number[];
  podLabels?: (ordinal: number) => Record<string, string>;
}

/** The same as LayoutInputs, but every list can be changed by the test. */
export type MutableInputs = { -readonly [Field in keyof LayoutInputs]: LayoutInputs[Field] extends readonly (infer T)[] ? T[] : LayoutInputs[Field] } & {
  disks: Map<string, Disk>;
  snapshots: Map<string, Snapshot[]>;
  volumesByHandle: Map<string, string[]>;
};

export function spreadSet(options: SpreadSetOptions): MutableInputs {
  const { zones, nodeZones = ['a', 'b', 'c'], sizesGiB = [], podLabels = () => ({}), ...setOptions } = options;
  const set = statefulSet({ ...setOptions, replicas: zones.length });
  const start = setOptions.start ?? 0;
  const allZones = [...new Set([...nodeZones, ...zones])];
  const inputs: MutableInputs = {
    set,
    namespaceTerminating: false,
    pods: zones.map((zone, index) => pod({ set, ordinal: start + index, node: `node-${zone}`, labels: podLabels(start + index) })),
    claims: [],
    volumes: [],
    volumesByHandle: new Map(),
    storageClasses: [storageClass()],
    nodes: allZones.map((zone) => node({ zone, ready: nodeZones.includes(zone) })),
    csiNodes: allZones.map((zone) => csiNode(`node-${zone}`)),
    budgets: [],
    disks: new Map(),
    snapshots: new Map(),
    cloud,
  };
  for (const [index, zone] of zones.entries()) {
    for (const name of claimNames(set, start + index)) addDisk(inputs, { name, zone, sizeGiB: sizesGiB[index] ?? 20 });
  }
  return inputs;
}

/** A bound claim with its volume and disk; replaces those of the same name. */
export function addDisk(inputs: MutableInputs, { name, zone, sizeGiB = 20 }: { name: string; zone: string; sizeGiB?: number }): void {
  const labels = { ...inputs.set.spec.selector.matchLabels };
  inputs.claims = [...inputs.claims.filter(({ metadata }) => metadata.name !== name), claim({ name, sizeGiB, labels })];
  inputs.volumes = [...inputs.volumes.filter(({ metadata }) => metadata.name !== `disk-${name}`), volume({ claim: name, zone, sizeGiB })];
  inputs.disks.set(`d-${name}`, disk({ id: `d-${name}`, zone, sizeGiB }));
  inputs.volumesByHandle.set(`d-${name}`, [`disk-${name}`]);
}

/** As after a finished move: the same claims, on disks in another zone, and the pod on a node there. */
export function moveOrdinal(inputs: MutableInputs, ordinal: number, zone: string): void {
  for (const name of claimNames(inputs.set, ordinal)) {
    const sizeGiB = inputs.disks.get(`d-${name}`)?.sizeGiB ?? 20;
    addDisk(inputs, { name, zone, sizeGiB });
  }
  const moved = inputs.pods.find(({ metadata }) => metadata.name === `${inputs.set.metadata.name}-${ordinal}`);
  if (moved !== undefined) moved.spec.nodeName = `node-${zone}`;
}

function claimNames(set: StatefulSet, ordinal: number): string[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => `${metadata.name}-${set.metadata.name}-${ordinal}`);
}
