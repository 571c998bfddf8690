// The health gate between two ordinals: the query of a set must have been true for its whole health duration before the next move starts.
// Prometheus keeps what was; nothing has to be remembered here, and a daemon that has just started knows as much as the last one.

import type { Rules } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import { PrometheusError, type Prometheus, type Samples } from '../ports/prometheus.ts';

export interface HealthGate {
  /** Why no move of the set may start now; undefined: nothing is asked, or it is true. */
  problem(rules: Pick<Rules, 'healthQuery' | 'healthDurationMs'>): Promise<string | undefined>;
}

/** Into so many parts the health duration is cut. */
const PARTS = 12;
const SHORTEST_STEP_MS = 1_000;

/** `prometheus`: undefined without the flag `--prometheus`. */
export function createHealthGate({ prometheus, clock }: { prometheus: Prometheus | undefined; clock: Clock }): HealthGate {
  return {
    async problem({ healthQuery, healthDurationMs }) {
      if (healthQuery === undefined) return undefined;
      if (prometheus === undefined) return `zonespread.io/health-query asks for ${healthQuery}, and the daemon does not know where Prometheus is; start it with --prometheus, or remove the annotation`;
      const span = spanBefore(clock.now(), healthDurationMs);
      try {
        return judged(await prometheus.range({ query: healthQuery, ...span }), span, healthQuery);
      } catch (error) {
        if (error instanceof PrometheusError) return `zonespread.io/health-query cannot be asked: ${error.message}`;
        throw error;
      }
    },
  };
}

interface Span {
  startMs: number;
  endMs: number;
  stepMs: number;
}

function spanBefore(nowMs: number, durationMs: number): Span {
  const stepMs = Math.max(SHORTEST_STEP_MS, Math.ceil(durationMs / PARTS));
  const steps = Math.ceil(durationMs / stepMs);
  return { startMs: nowMs - steps * stepMs, endMs: nowMs, stepMs };
}

/** True: at every moment at least one series has a value, and none of them is 0. */
function judged(series: readonly Samples[], { startMs, endMs, stepMs }: Span, query: string): string | undefined {
  for (let at = endMs; at >= startMs; at -= stepMs) {
    const values = series.flatMap((samples) => samples.get(at) ?? []);
    // Without the moment: the message goes into report and events, where another one each time would be news each time.
    const when = at === endMs ? 'now' : 'for the whole zonespread.io/health-duration yet';
    if (values.length === 0) return `zonespread.io/health-query (${query}) does not give anything ${when}; it must be true for the whole zonespread.io/health-duration before the next move`;
    if (values.some((value) => value === 0 || Number.isNaN(value))) return `zonespread.io/health-query (${query}) is not true ${when}; it must be for the whole zonespread.io/health-duration before the next move`;
  }
  return undefined;
}
