// Which zones sell the disks of a set at the moment, asked of the cloud and remembered for a while: a sweep over many sets is one question.

import type { Layout } from '../layout/layout.ts';
import { zonalVolumes } from '../layout/layout.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { withoutRequestId, type DiskAttributes, type Disks } from '../ports/disks.ts';

/** How long an answer stands, whether the zone was on sale or not. */
export const MARKET_REMEMBERED_MS = 5 * 60_000;
/** How long a question that failed is not asked again: a cloud that throttles must not be asked for every set. */
const FAILURE_REMEMBERED_MS = 30_000;

export interface Markets {
  /** Of these zones those that do not sell every kind of disk that the set has, each with the cloud's reason. */
  unusableZones(layout: Layout, zones: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

type Kind = Pick<DiskAttributes, 'category' | 'performanceLevel'>;

interface Answer {
  /** Monotonic. */
  until: number;
  /** Undefined: it is on sale, as far as anybody knows. */
  problem: string | undefined;
}

export function createMarkets({ disks, clock, log }: { disks: Disks; clock: Clock; log: Log }): Markets {
  const remembered = new Map<string, Answer>();
  const asking = new Map<string, Promise<Answer>>();

  async function ask(zone: string, kind: Kind, last: Answer | undefined): Promise<Answer> {
    try {
      const answer = await disks.onSale(zone, kind);
      return { until: clock.monotonic() + MARKET_REMEMBERED_MS, problem: answer.onSale ? undefined : withoutRequestId(answer.message) };
    } catch (error) {
      // Not knowing is no reason to give a zone up: the create of the disk decides in the end, and is undone if need be.
      log.warn(`the cloud did not say whether zone ${zone} sells ${kind.category}`, { error });
      return { until: clock.monotonic() + FAILURE_REMEMBERED_MS, problem: last?.problem };
    }
  }

  async function problemOf(zone: string, kind: Kind): Promise<string | undefined> {
    const key = `${zone} ${kind.category} ${kind.performanceLevel ?? ''}`;
    const last = remembered.get(key);
    if (last !== undefined && clock.monotonic() < last.until) return last.problem;
    // Many sets are looked at side by side: they wait for one answer.
    const asked = asking.get(key) ?? ask(zone, kind, last);
    asking.set(key, asked);
    const answer = await asked;
    remembered.set(key, answer);
    asking.delete(key);
    return answer.problem;
  }

  return {
    async unusableZones(layout, zones) {
      const unusable = new Map<string, string>();
      for (const zone of zones) {
        for (const kind of kindsOf(layout)) {
          const problem = await problemOf(zone, kind);
          if (problem !== undefined) unusable.set(zone, problem);
        }
      }
      return unusable;
    },
  };
}

function kindsOf(layout: Layout): Kind[] {
  const kinds = layout.ordinals.flatMap((ordinal) => zonalVolumes(ordinal).flatMap(({ disk }) => (disk === undefined ? [] : [disk])));
  return [...new Map(kinds.map((kind) => [`${kind.category} ${kind.performanceLevel ?? ''}`, kind])).values()];
}
