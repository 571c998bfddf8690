// A Prometheus that has scraped one series, as often as anybody asks, and remembers when it changed; or that does not answer.

import type { Clock } from '../../src/ports/clock.ts';
import { PrometheusError, type Prometheus, type RangeQuery, type Samples } from '../../src/ports/prometheus.ts';

export class FakePrometheus implements Prometheus {
  /** Why nobody answers; undefined: somebody does. */
  unreachable: string | undefined;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #changes: { atMs: number; value: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the series says from now on. Before the first time there is no series. */
  set value(value: number) {
    this.#changes.push({ atMs: this.#clock.now(), value });
  }

  async range({ startMs, endMs, stepMs }: RangeQuery): Promise<Samples[]> {
    if (this.unreachable !== undefined) throw new PrometheusError(this.unreachable);
    const samples = new Map<number, number>();
    for (let at = startMs; at <= endMs; at += stepMs) {
      const change = this.#changes.findLast(({ atMs }) => atMs <= at);
      if (change !== undefined) samples.set(at, change.value);
    }
    return samples.size === 0 ? [] : [samples];
  }
}
