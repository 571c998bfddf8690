// ports/prometheus.ts over the HTTP API of Prometheus and of whatever speaks it (Thanos, VictoriaMetrics, ARMS).

import { request } from 'undici';
import { z } from 'zod';
import { PrometheusError, type Prometheus, type RangeQuery, type Samples } from '../ports/prometheus.ts';

/** For a query that people have written for an alert this is long. */
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 8 * 1024 * 1024;

const ANSWER = z.union([
  z.object({ status: z.literal('success'), data: z.object({ resultType: z.literal('matrix'), result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })) }) }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

/** `url`: where it listens, with the path before `/api/v1` if there is one, and user and password for basic authentication if it asks for them. */
export function createPrometheus(url: string): Prometheus {
  const { username, password, origin, pathname } = new URL(url);
  const headers = { accept: 'application/json', ...(username === '' ? {} : { authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` }) };
  const endpoint = `${origin}${pathname.replace(/\/$/, '')}/api/v1/query_range`;
  return {
    async range(query) {
      const { status, text } = await ask(`${endpoint}?${parametersOf(query)}`, { headers, origin });
      return seriesIn(text, { status, origin });
    },
  };
}

function parametersOf({ query, startMs, endMs, stepMs }: RangeQuery): string {
  return new URLSearchParams({ query, start: String(startMs / 1000), end: String(endMs / 1000), step: String(stepMs / 1000) }).toString();
}

async function ask(url: string, { headers, origin }: { headers: Record<string, string>; origin: string }): Promise<{ status: number; text: string }> {
  try {
    const { statusCode, body } = await request(url, { headers, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new Error(`the answer is longer than ${MOST_BYTES / 1024 / 1024} MiB`);
      chunks.push(chunk);
    }
    return { status: statusCode, text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    throw new PrometheusError(`no answer from Prometheus at ${origin}: ${error instanceof Error ? error.message || error.name : String(error)}`, { cause: error });
  }
}

function seriesIn(text: string, { status, origin }: { status: number; origin: string }): Samples[] {
  const answer = ANSWER.safeParse(jsonIn(text));
  if (!answer.success) throw new PrometheusError(`what answers at ${origin} (status ${status}) is no Prometheus, or gives something else than a range of values`);
  if (answer.data.status === 'error') throw new PrometheusError(`Prometheus at ${origin} refuses the query: ${answer.data.error}`);
  return answer.data.data.result.map(({ values }) => new Map(values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)])));
}

/** Undefined for what is no JSON; the caller says so. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
