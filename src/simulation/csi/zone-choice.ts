// In which zone a new disk is made: what the scheduler chose, else what the StorageClass says, in turn.

import { DRIVER_ZONE_KEY, ZONE_KEY } from './names.ts';
import type { Segments, TopologyRequirement, VolumeRequest } from './volume-request.ts';

/** Remembers whose turn it is, and what it answered: a repetition of a request gets the zone that the first one got. */
export class ZoneChoice {
  private readonly chosen = new Map<string, string>();
  private turn = 0;

  /** Undefined when neither the request nor the StorageClass names a zone. */
  zoneFor(request: Pick<VolumeRequest, 'name' | 'zones'>, requirement: TopologyRequirement | undefined): string | undefined {
    const zone = this.chosen.get(request.name) ?? this.choose(request.zones, zonesOf(requirement));
    if (zone !== undefined) this.chosen.set(request.name, zone);
    return zone;
  }

  forget(name: string): void {
    this.chosen.delete(name);
  }

  private choose(declared: string[], accessible: string[]): string | undefined {
    if (declared.length === 0) return accessible[0];
    const both = declared.filter((zone) => accessible.includes(zone));
    // A conflict does not stop the real driver: the class wins, and the pod will find that it does not fit.
    return this.next(both.length > 0 ? both : declared);
  }

  /** WaitForFirstConsumer leaves one zone and so no choice; Immediate takes the zones of the class in turn. */
  private next(zones: string[]): string | undefined {
    if (zones.length <= 1) return zones[0];
    const zone = zones[this.turn % zones.length];
    this.turn += 1;
    return zone;
  }
}

/** Preferred ones first, each once. */
function zonesOf(requirement: TopologyRequirement | undefined): string[] {
  const segments: Segments[] = [...(requirement?.preferred ?? []), ...(requirement?.requisite ?? [])];
  return [...new Set(segments.flatMap((segment) => segment[DRIVER_ZONE_KEY] ?? segment[ZONE_KEY] ?? []))];
}
