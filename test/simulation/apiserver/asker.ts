// Asks an API server (the simulated one or a real one) and notes what it answers in a form that can be compared: status, reason, words,
// which fields it blames; with names of this run, UIDs and versions taken out.

import type { Http } from '../../../src/ports/http.ts';

export interface Seen {
  status: number;
  reason: string;
  message: string;
  /** Of a Status: what it is about. */
  details: { name?: string; group?: string; kind?: string };
  /** `field: reason`, in order, each once: the real server validates some parts twice. */
  causes: string[];
  retryAfter: string;
}

export interface Answer extends Seen {
  body: Json;
}

// eslint-disable-next-line typescript/no-explicit-any -- raw answers, read field by field in the tests
export type Json = any;

export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  contentType?: string;
}

export type Ask = (question: Question) => Promise<Answer>;

export const MERGE = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';

export function asker(http: Http, standsFor: Record<string, string> = {}): Ask {
  return async ({ method = 'GET', path, body, contentType = 'application/json' }) => {
    const headers = { accept: 'application/json', 'user-agent': 'agreement/1.0', ...(body === undefined ? {} : { 'content-type': contentType }) };
    const response = await http.send({ method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    // A group that nobody serves is no business of the API machinery: its answer is a line of text.
    const json = (text.startsWith('{') ? JSON.parse(text) : { kind: 'Status', status: 'Failure', message: text.trim() });
    const failed = json.kind === 'Status' && json.status === 'Failure';
    return {
      status: response.status,
      reason: failed ? (json.reason ?? '') : '',
      message: failed ? comparable(json.message, standsFor) : '',
      details: failed ? { ...(json.details?.name === undefined ? {} : { name: comparable(json.details.name, standsFor) }), ...pick(json.details, ['group', 'kind']) } : {},
      causes: failed ? causesOf(json) : [],
      retryAfter: response.headers['retry-after'] ?? '',
      body: json,
    };
  };
}

function causesOf(status: Json): string[] {
  return [...new Set<string>((status.details?.causes ?? []).map((cause: Json) => `${cause.field ?? ''}: ${cause.reason ?? ''}`))];
}

function pick(value: Json, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (value?.[name] === undefined ? [] : [[name, String(value[name])]])));
}

function comparable(text: string, standsFor: Record<string, string>): string {
  let result = text;
  for (const [name, meaning] of Object.entries(standsFor)) result = result.replaceAll(name, meaning);
  return result
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>')
    .replaceAll(/\((\d+)\)/g, '(<version>)')
    // Structures are shown as Go has them.
    .replaceAll(/Invalid value: \{.*?\}: /g, 'Invalid value: <structure>: ')
    .replaceAll(/(continue key is not valid).*/g, '$1')
    // After this the real server prints the difference in Go's own form.
    .replace(/\n[^]*$/, '\n');
}
