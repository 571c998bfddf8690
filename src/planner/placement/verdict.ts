// Whether an ordinal fits into a zone: on at least one node there, or why on none, in the words of the scheduler's FailedScheduling events.

import type { Layout } from '../../layout/layout.ts';
import { arrivalOf, type Landing } from './arrival.ts';
import { judge } from './filters.ts';
import { kindOf } from './kinds.ts';
import { landscapeOf, type Landscape } from './landscape.ts';

/** `Insufficient cpu` on these nodes; a node with several reasons stands under each. */
export interface Refusal {
  reason: string;
  nodes: readonly string[];
}

export interface ZoneVerdict {
  zone: string;
  /** How many the zone has. */
  nodes: number;
  /** Nodes that would take it; empty when the zone does not do. */
  fits: readonly string[];
  /** By reason, of the nodes that would not. */
  refusals: readonly Refusal[];
}

/** Of every node of the zone. */
export function zoneVerdict(landing: Landing): ZoneVerdict {
  const landscape = landscapeOf(landing.layout.surroundings);
  const sites = landscape.sitesByZone.get(landing.zone) ?? [];
  const reasonsOf = judge(arrivalOf(landing, landscape), landscape);
  const judged = sites.map((site) => ({ name: site.name, reasons: reasonsOf(site) }));
  const refused = judged.flatMap(({ name, reasons }) => reasons.map((reason) => ({ name, reason })));
  return {
    zone: landing.zone,
    nodes: sites.length,
    fits: judged.filter(({ reasons }) => reasons.length === 0).map(({ name }) => name),
    refusals: [...Map.groupBy(refused, ({ reason }) => reason)].map(([reason, nodes]) => ({ reason, nodes: nodes.map(({ name }) => name) })),
  };
}

/** Undefined when some node of the zone would do; else why none does, for people. */
export function placementProblem(landing: Landing): string | undefined {
  const { layout, ordinal, zone } = landing;
  const landscape = landscapeOf(layout.surroundings);
  if (!landscape.sitesByZone.has(zone)) return `zone ${zone} has no nodes (zones with nodes: ${zonesWithNodes(layout) || 'none'}); correct the zone's name or add a node there`;
  const problem = problemOfKind(landing, landscape);
  return problem === undefined ? undefined : `zone ${zone} has no node for ${ordinal.podName}: ${problem}; add a node that fits`;
}

/** Undefined: some node will do. */
type Problem = string | undefined;

const problems = new WeakMap<Landscape, Map<string, { problem: Problem }>>();

/** Ordinals of a set are mostly alike: one of each kind is looked at. */
function problemOfKind(landing: Landing, landscape: Landscape): Problem {
  const kinds = problems.get(landscape) ?? new Map<string, { problem: Problem }>();
  problems.set(landscape, kinds);
  const kind = kindOf(arrivalOf(landing, landscape), { zone: landing.zone, landscape });
  const found = kinds.get(kind) ?? { problem: fitsSomewhere(landing, landscape) ? undefined : summaryOf(zoneVerdict(landing)) };
  kinds.set(kind, found);
  return found.problem;
}

/** Mostly the first node will do: the others are not asked. */
function fitsSomewhere(landing: Landing, landscape: Landscape): boolean {
  const reasonsOf = judge(arrivalOf(landing, landscape), landscape);
  return (landscape.sitesByZone.get(landing.zone) ?? []).some((site) => reasonsOf(site).length === 0);
}

/** `0/3 nodes are available: 1 Insufficient cpu (n2), 2 node(s) were unschedulable (n1, n3)`, in the scheduler's order, with the nodes. */
export function summaryOf({ nodes, fits, refusals }: ZoneVerdict): string {
  const counted = refusals.map(({ reason, nodes: names }) => `${names.length} ${reason} (${someOf(names)})`).toSorted();
  return `${fits.length}/${nodes} nodes are available: ${counted.join(', ')}`;
}

function zonesWithNodes({ nodes }: Layout): string {
  return [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].toSorted().join(', ');
}

const MOST_NAMES = 3;

function someOf(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
