// Zones of `*`: a zone becomes one of the set's after ten minutes with a Ready node that takes its disks, and stays one. Pure; what was seen
// is kept in the report.

import type { Layout } from '../layout/layout.ts';
import { zonalVolumes } from '../layout/layout.ts';
import type { SeenZone } from './spread-report.ts';

const ENTERS_AFTER_MS = 10 * 60_000;

export function zonesSeen(layout: Layout, before: readonly SeenZone[], nowMs: number): SeenZone[] {
  const fit = fitZones(layout);
  const names = [...new Set([...before.map(({ zone }) => zone), ...fit])].toSorted();
  return names
    .map((zone) => seenZone(before.find((seen) => seen.zone === zone) ?? { zone }, fit.has(zone), nowMs))
    .filter(({ readySince, enteredAt }) => readySince !== undefined || enteredAt !== undefined);
}

function seenZone(seen: SeenZone, fit: boolean, nowMs: number): SeenZone {
  const readySince = fit ? (seen.readySince ?? new Date(nowMs).toISOString()) : undefined;
  const enters = readySince !== undefined && nowMs - Date.parse(readySince) >= ENTERS_AFTER_MS;
  const enteredAt = seen.enteredAt ?? (enters ? new Date(nowMs).toISOString() : undefined);
  return { zone: seen.zone, ...(readySince === undefined ? {} : { readySince }), ...(enteredAt === undefined ? {} : { enteredAt }) };
}

/** With a Ready, schedulable node that attaches every category of disk that the set has. */
function fitZones(layout: Layout): Set<string> {
  const categories = new Set(layout.ordinals.flatMap((ordinal) => zonalVolumes(ordinal).flatMap(({ disk }) => disk?.category ?? [])));
  const fit = layout.nodes.filter((node) => node.ready && node.schedulable && [...categories].every((category) => node.diskCategories?.includes(category) ?? true));
  return new Set(fit.flatMap(({ zone }) => zone ?? []));
}
