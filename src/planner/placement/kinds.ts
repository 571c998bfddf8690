// Which arrivals are alike: a set of a thousand has one verdict per zone, not a thousand. Two are of one kind only if no filter could tell
// them apart, in what they ask for as in what the pods that go away for them leave behind.

import type { PodSpec } from '../../kubernetes/objects.ts';
import { zoneOfNode } from '../../layout/zones.ts';
import type { Arrival } from './arrival.ts';
import { containersOf, initContainersOf, type Container } from './containers.ts';
import type { Landscape, NodeSite } from './landscape.ts';
import { shunningRules } from './pod-affinity.ts';

/** Labels that every pod of a set has for itself. */
const OWN_LABELS = new Set(['statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index']);

/** The same text for arrivals that every node of the zone answers alike. */
export function kindOf(arrival: Arrival, { zone, landscape }: { zone: string; landscape: Landscape }): string {
  const { pod, volumes, newDisks, openClaims, released, siblingsMayMove } = arrival;
  const rules = rulesOf(landscape);
  const { affinity, topologySpreadConstraints } = pod.spec;
  const spoken = `${rules.text} ${JSON.stringify([affinity, topologySpreadConstraints])}`;
  const labels = Object.entries(pod.labels).filter(([key]) => !OWN_LABELS.has(key) || spoken.includes(key));
  return JSON.stringify([
    zone,
    siblingsMayMove,
    pod.namespace,
    labels,
    asked(pod.spec),
    volumes.map(({ metadata }) => metadata.name),
    newDisks,
    openClaims.map(({ name, storageClass }) => [storageClass?.metadata.name, landscape.claim(pod.namespace, name)?.metadata.annotations]),
    attachedInZone(released, zone, landscape),
    traceOf(arrival, { zone, landscape, keys: [...rules.keys, ...keysIn(affinity)] }),
  ]);
}

function asked(spec: PodSpec): unknown[] {
  const part = ({ name, resources, restartPolicy, ports }: Container) => [name, resources, restartPolicy, ports];
  const { nodeSelector, affinity, tolerations, topologySpreadConstraints } = spec;
  return [containersOf(spec).map(part), initContainersOf(spec).map(part), spec['resources'], spec['overhead'], nodeSelector, affinity, tolerations, topologySpreadConstraints];
}

/** What the pod that goes away frees: on its node, if that is asked about, and in the domains that it is in, as far as they reach there. */
function traceOf({ leaving, pod, siblingsMayMove }: Arrival, { zone, landscape, keys }: { zone: string; landscape: Landscape; keys: readonly string[] }): unknown {
  const from = landscape.site(leaving?.spec.nodeName ?? '');
  if (leaving === undefined || from === undefined) return null;
  // It counts for a spread constraint that is about it only if its node does, and then for the emptiest domain, wherever that is.
  const spread = (pod.spec.topologySpreadConstraints ?? []).length > 0 && !siblingsMayMove;
  if (spread || zoneOfNode(from.node) === zone) return [from.name, leaving.metadata.uid];
  const sites = landscape.sitesByZone.get(zone) ?? [];
  return keys.map((key) => {
    const domain = from.labels[key];
    return domain === undefined || domainsOf(key, sites).has(domain) ? [domain] : 'elsewhere';
  });
}

/** Topology keys of the rules between pods. */
function keysIn(affinity: PodSpec['affinity']): string[] {
  return [...JSON.stringify(affinity ?? {}).matchAll(/"topologyKey":"(?<key>[^"]+)"/g)].map(({ groups }) => groups?.['key'] ?? '');
}

const domains = new WeakMap<readonly NodeSite[], Map<string, ReadonlySet<string>>>();

function domainsOf(key: string, sites: readonly NodeSite[]): ReadonlySet<string> {
  const known = domains.get(sites) ?? new Map<string, ReadonlySet<string>>();
  domains.set(sites, known);
  const found = known.get(key) ?? new Set(sites.flatMap(({ labels }) => labels[key] ?? []));
  known.set(key, found);
  return found;
}

/** Those of its volumes that are still attached to a node there. */
function attachedInZone(released: ReadonlySet<string>, zone: string, landscape: Landscape): string[] {
  return [...released].flatMap((volume) => landscape.attachedTo(volume).flatMap((name) => {
    const site = landscape.site(name);
    return site === undefined || zoneOfNode(site.node) !== zone ? [] : [`${volume} ${name}`];
  }));
}

const rules = new WeakMap<Landscape, ReturnType<typeof shunningRules>>();

function rulesOf(landscape: Landscape): ReturnType<typeof shunningRules> {
  const known = rules.get(landscape) ?? shunningRules(landscape);
  rules.set(landscape, known);
  return known;
}
