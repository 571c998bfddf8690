// What a Prometheus knows, as far as the product asks it: the values of an expression over a span of time.

export interface RangeQuery {
  /** PromQL. */
  query: string;
  /** Milliseconds since the epoch; both ends are asked for. */
  startMs: number;
  endMs: number;
  stepMs: number;
}

/** Values of one series by time, in milliseconds since the epoch. Moments at which it has none are left out. */
export type Samples = ReadonlyMap<number, number>;

export interface Prometheus {
  /** One entry a series. @throws PrometheusError when there is no answer to go by. */
  range(query: RangeQuery): Promise<Samples[]>;
}

/** For people: unreachable, or what Prometheus has against the query. */
export class PrometheusError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PrometheusError';
  }
}
