// One exchange with an API server, as kubectl has it: any header, the answer read to its end as JSON.

import type { Http, HttpRequest } from '../../../src/ports/http.ts';
import type { Json } from './asker.ts';

export const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';

export interface Exchanged {
  status: number;
  headers: Record<string, string>;
  body: Json;
}

export interface Sent {
  method?: HttpRequest['method'];
  path: string;
  accept?: string;
  contentType?: string;
  body?: unknown;
}

/** A body that is no text goes as JSON. */
export async function exchange(http: Http, { method = 'GET', path, accept = 'application/json', contentType, body }: Sent): Promise<Exchanged> {
  const headers = { accept, 'user-agent': 'tester/1.0', ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }) };
  const response = await http.send({ method, path, headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('utf8');
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
}
