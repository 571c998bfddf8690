// Which series belong to which StatefulSet. prom-client removes a series only by its exact labels, so they are remembered here.

import type { Counter, Gauge } from 'prom-client';

type Labels = Record<string, string>;
type Metric = Pick<Gauge | Counter, 'remove'>;

interface Owner {
  namespace: string;
  statefulset: string;
}

export class SeriesOfSets {
  readonly #series = new Map<string, Map<Metric, Map<string, Labels>>>();

  /** The set has exactly these series of the gauge: others that it had are removed. */
  replace<L extends string>(owner: Owner, gauge: Gauge<L>, series: { labels: Record<L, string>; value: number }[]): void {
    const known = this.#of(owner, gauge);
    const present = new Set(series.map(({ labels }) => idOf(labels)));
    for (const [id, labels] of known) if (!present.has(id)) this.remove(owner, gauge, labels);
    for (const { labels, value } of series) this.add(owner, gauge, labels).set(labels, value);
  }

  /** Remembers the series; gives the metric back to be set. */
  add<M extends Metric>(owner: Owner, metric: M, labels: Labels): M {
    this.#of(owner, metric).set(idOf(labels), labels);
    return metric;
  }

  remove(owner: Owner, metric: Metric, labels: Labels): void {
    if (this.#of(owner, metric).delete(idOf(labels))) metric.remove(labels);
  }

  /** Every set that has series. */
  owners(): Owner[] {
    return [...this.#series.keys()].map((key) => {
      const [namespace = '', statefulset = ''] = key.split('/');
      return { namespace, statefulset };
    });
  }

  /** Removes every series of the set. */
  forget(owner: Owner): void {
    const key = keyOf(owner);
    for (const [metric, series] of this.#series.get(key) ?? []) for (const labels of series.values()) metric.remove(labels);
    this.#series.delete(key);
  }

  #of(owner: Owner, metric: Metric): Map<string, Labels> {
    const key = keyOf(owner);
    const metrics = this.#series.get(key) ?? new Map<Metric, Map<string, Labels>>();
    this.#series.set(key, metrics);
    const series = metrics.get(metric) ?? new Map<string, Labels>();
    metrics.set(metric, series);
    return series;
  }
}

function keyOf({ namespace, statefulset }: Owner): string {
  return `${namespace}/${statefulset}`;
}

function idOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
