// Whether an ordinal fits into a zone: on at least one node there, or why on none, in the words of the scheduler's FailedScheduling events.

import type { Layout } from '../../layout/layout.ts';
import { fewOf } from '../few.ts';
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

/**
 * Undefined when some node of the zone would do; else why none does, for people. `nodesMayCome`: somebody makes nodes where room is all that is
 * wanting, so such a zone will do, too.
 */
export function placementProblem(landing: Landing, { nodesMayCome = false }: { nodesMayCome?: boolean } = {}): string | undefined {
  const { layout, ordinal, zone } = landing;
  const landscape = landscapeOf(layout.surroundings);
  if (!landscape.sitesByZone.has(zone)) return nodesMayCome ? undefined : `zone ${zone} has no nodes (zones with nodes: ${zonesWithNodes(layout) || 'none'}); correct the zone's name or add a node there`;
  const { problem, forWantOfRoom } = findingOfKind(landing, landscape);
  return problem === undefined || (nodesMayCome && forWantOfRoom) ? undefined : `zone ${zone} has no node for ${ordinal.podName}: ${problem}; add a node that fits`;
}

interface Finding {
  /** Undefined: some node will do. */
  problem: string | undefined;
  /** A node like one that is there, but empty, might do. */
  forWantOfRoom: boolean;
}

const findings = new WeakMap<Landscape, Map<string, Finding>>();

/** Ordinals of a set are mostly alike: one of each kind is looked at. */
function findingOfKind(landing: Landing, landscape: Landscape): Finding {
  const kinds = findings.get(landscape) ?? new Map<string, Finding>();
  findings.set(landscape, kinds);
  const kind = kindOf(arrivalOf(landing, landscape), { zone: landing.zone, landscape });
  const found = kinds.get(kind) ?? findingOf(landing, landscape);
  kinds.set(kind, found);
  return found;
}

function findingOf(landing: Landing, landscape: Landscape): Finding {
  if (fitsSomewhere(landing, landscape)) return { problem: undefined, forWantOfRoom: false };
  const verdict = zoneVerdict(landing);
  return { problem: summaryOf(verdict), forWantOfRoom: verdict.refusals.some(({ reason }) => WANTS_ROOM.test(reason)) };
}

/** In the words of the filter for resources. Not for disks: no placeholder can show that those are what is wanting. */
const WANTS_ROOM = /^(?:Insufficient |Too many pods$)/;

/** Mostly the first node will do: the others are not asked. */
function fitsSomewhere(landing: Landing, landscape: Landscape): boolean {
  const reasonsOf = judge(arrivalOf(landing, landscape), landscape);
  return (landscape.sitesByZone.get(landing.zone) ?? []).some((site) => reasonsOf(site).length === 0);
}

/** `0/3 nodes are available: 1 Insufficient cpu (n2), 2 node(s) were unschedulable (n1, n3)`, in the scheduler's order, with the nodes. */
export function summaryOf({ nodes, fits, refusals }: ZoneVerdict): string {
  const counted = refusals.map(({ reason, nodes: names }) => `${names.length} ${reason} (${fewOf(names, MOST_NAMES)})`).toSorted();
  return `${fits.length}/${nodes} nodes are available: ${counted.join(', ')}`;
}

function zonesWithNodes({ nodes }: Layout): string {
  return [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].toSorted().join(', ');
}

const MOST_NAMES = 3;
