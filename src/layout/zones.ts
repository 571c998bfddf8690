// In which zone a volume is, and a node: nodeAffinity first, labels last, under each of the keys that occur in the wild.

import type { Node, NodeSelectorTerm, PersistentVolume } from '../kubernetes/objects.ts';

/** The CSI driver of Alibaba Cloud's disks. */
export const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';

/** Written by that driver, by Kubernetes, and by Kubernetes before 1.17. */
export const ZONE_KEYS = [`topology.${DISK_DRIVER}/zone`, 'topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'] as const;

/** Alone they mark a regional disk, which follows its pod anywhere in the region. */
export const REGION_KEYS = [`topology.${DISK_DRIVER}/region`, 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'] as const;

const HOSTNAME_KEYS = new Set(['kubernetes.io/hostname', 'metadata.name']);
const zoneKeys = new Set<string>(ZONE_KEYS);
const regionKeys = new Set<string>(REGION_KEYS);

/**
 * Where a volume can be used. `zonal`: one zone. `spanning`: several. `regional`: the whole region. `anywhere`: nothing said. `node`: one
 * node (local volumes). `unknown`: it asks something of nodes that nobody here understands, so a copy elsewhere might never fit.
 */
export type VolumePlace =
  | { kind: 'zonal'; zone: string }
  | { kind: 'spanning'; zones: readonly string[] }
  | { kind: 'regional' }
  | { kind: 'anywhere' }
  | { kind: 'node'; hostnames: readonly string[] }
  | { kind: 'unknown'; keys: readonly string[]; zone?: string };

export function placeOf(volume: PersistentVolume): VolumePlace {
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return placeByLabels(volume);
  const read = terms.map(readTerm);
  const zones = zonesOf(read);
  return strangePlace(read, zones) ?? placeOnNodes(read) ?? (zones === undefined ? placeByRegion(read) : placeInZones(zones));
}

/** The one zone that the volume belongs to, if it is one. */
export function zoneOfVolume(volume: PersistentVolume): string | undefined {
  const place = placeOf(volume);
  return place.kind === 'zonal' || place.kind === 'unknown' ? place.zone : undefined;
}

export function zoneOfNode(node: Node): string | undefined {
  // On nodes the standard label is the one that the scheduler and everybody else go by.
  const keys = ['topology.kubernetes.io/zone', ...ZONE_KEYS];
  return keys.map((key) => node.metadata.labels?.[key]).find((zone) => zone !== undefined && zone !== '');
}

interface ReadTerm {
  /** Undefined when the term does not speak of zones. */
  zones: string[] | undefined;
  region: boolean;
  nodes: string[];
  strange: string[];
}

/** Within a term everything must hold: two zone keys leave the zones that both allow. */
function readTerm(term: NodeSelectorTerm): ReadTerm {
  const read: ReadTerm = { zones: undefined, region: false, nodes: [], strange: [] };
  for (const { key, operator, values = [] } of expressionsOf(term)) {
    if (operator !== 'In') read.strange.push(key);
    else if (zoneKeys.has(key)) read.zones = read.zones?.filter((zone) => values.includes(zone)) ?? values;
    else if (regionKeys.has(key)) read.region = true;
    else if (HOSTNAME_KEYS.has(key)) read.nodes.push(...values);
    else read.strange.push(key);
  }
  return read;
}

function expressionsOf({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): { key: string; operator: string; values?: string[] }[] {
  return [...matchExpressions, ...matchFields];
}

/** One term is enough, so what they allow adds up; undefined when some term allows any zone. */
function zonesOf(terms: ReadTerm[]): string[] | undefined {
  if (terms.some(({ zones }) => zones === undefined)) return undefined;
  return [...new Set(terms.flatMap(({ zones }) => zones ?? []))];
}

function strangePlace(terms: ReadTerm[], zones: string[] | undefined): VolumePlace | undefined {
  const keys = [...new Set(terms.flatMap(({ strange }) => strange))];
  if (keys.length === 0) return undefined;
  const [zone, ...others] = zones ?? [];
  return zone === undefined || others.length > 0 ? { kind: 'unknown', keys } : { kind: 'unknown', keys, zone };
}

function placeOnNodes(terms: ReadTerm[]): VolumePlace | undefined {
  const hostnames = [...new Set(terms.flatMap(({ nodes }) => nodes))];
  return hostnames.length === 0 ? undefined : { kind: 'node', hostnames };
}

function placeInZones(zones: string[]): VolumePlace {
  const [only] = zones;
  return zones.length === 1 && only !== undefined ? { kind: 'zonal', zone: only } : { kind: 'spanning', zones };
}

function placeByRegion(terms: ReadTerm[]): VolumePlace {
  return terms.some(({ region }) => region) ? { kind: 'regional' } : { kind: 'anywhere' };
}

/** Old cloud providers joined the zones of a regional volume in one label: `a__b`. */
const JOINED_ZONES = '__';

function placeByLabels({ metadata: { labels = {} }, spec }: PersistentVolume): VolumePlace {
  if (spec.local !== undefined) return { kind: 'node', hostnames: [] };
  const zone = ZONE_KEYS.map((key) => labels[key]).find((value) => value !== undefined && value !== '');
  if (zone !== undefined) return placeInZones(zone.split(JOINED_ZONES));
  return REGION_KEYS.some((key) => labels[key] !== undefined) ? { kind: 'regional' } : { kind: 'anywhere' };
}
