// One exchange with the API server as the product wants it: JSON in, JSON out, a refusal as ApiError, no answer as ApiUnreachable.

import type { Http, HttpRequest, HttpResponse } from '../ports/http.ts';
import { ApiError, ApiUnreachable } from './api.ts';
import { LeaseLost } from './fence.ts';

export interface Question extends Pick<HttpRequest, 'method' | 'path' | 'headers' | 'signal' | 'timeoutMs' | 'freshConnection'> {
  /** Begins every error message: verb, kind, namespace/name. */
  what: string;
  body?: unknown;
  /** Without it `application/json`. */
  contentType?: string;
}

/** The answer's JSON. @throws ApiError for a status ≥ 300, ApiUnreachable when there was no answer that could be read. */
export async function ask(http: Http, question: Question): Promise<Record<string, unknown>> {
  const response = await openAnswer(http, question);
  const text = await readText(response, question);
  const json = parseJson(text);
  // A proxy's login page with status 200, or an answer that broke off: whatever was asked, nobody knows whether it was done.
  if (json === undefined) throw new ApiUnreachable(`${question.what}: the answer is no JSON: ${excerpt(text)}`, undefined);
  return json;
}

/** The answer with its body unread, for streams. @throws as `ask`. */
export async function openAnswer(http: Http, question: Question): Promise<HttpResponse> {
  const response = await send(http, question);
  if (response.status < 300) return response;
  throw toApiError(question, response, await readText(response, question));
}

async function send(http: Http, { what, body, contentType, headers, ...rest }: Question): Promise<HttpResponse> {
  const request: HttpRequest = { ...rest, headers: { accept: 'application/json', ...headers } };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { ...request.headers, 'content-type': contentType ?? 'application/json' };
  }
  try {
    return await http.send(request);
  } catch (error) {
    throw unreachable(what, error);
  }
}

async function readText(response: HttpResponse, { what }: Question): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body) chunks.push(chunk);
  } catch (error) {
    throw unreachable(what, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A lost lease is not a matter of the network: it goes through as it is. */
export function unreachable(what: string, cause: unknown): Error {
  if (cause instanceof LeaseLost) return cause;
  return new ApiUnreachable(`${what}: no answer from the API server: ${messageOf(cause)}`, cause);
}

/** A Status that came as the answer or inside a watch. */
export function statusError(what: string, code: number, body: Record<string, unknown>, retryAfterMs?: number): ApiError {
  const reason = textOf(body.reason) ?? REASONS[code] ?? 'Unknown';
  const details = body.details as { retryAfterSeconds?: number } | undefined;
  const wait = retryAfterMs ?? (typeof details?.retryAfterSeconds === 'number' && details.retryAfterSeconds > 0 ? details.retryAfterSeconds * 1000 : undefined);
  const message = `${what}: ${textOf(body.message) ?? 'refused without a reason'} (${code} ${reason})`;
  return new ApiError(message, { status: code, reason, body, ...(wait === undefined ? {} : { retryAfterMs: wait }) });
}

function toApiError({ what }: Question, response: HttpResponse, text: string): ApiError {
  const json = parseJson(text);
  const body = json?.kind === 'Status' ? json : { message: text.trim() === '' ? 'the answer is empty' : `not a Status of the API server: ${excerpt(text)}` };
  return statusError(what, response.status, body, retryAfter(response.headers));
}

/** Reasons for answers without a Status, by code, as the API server words them. */
const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: 'BadGateway',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** In ms. The header holds seconds, or a date that is measured against the answer's own `Date`: the server's clock, not ours. */
export function retryAfter(headers: Record<string, string>): number | undefined {
  const header = headers['retry-after']?.trim() ?? '';
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const wait = Date.parse(header) - Date.parse(headers.date ?? '');
  return Number.isFinite(wait) && wait > 0 ? wait : undefined;
}

/** Undefined unless it is a JSON object. */
function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // The callers say what they got instead.
  }
}

/** The readable part of a page that should have been JSON. */
function excerpt(text: string): string {
  const readable = text
    .replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return `"${readable.length > 200 ? `${readable.slice(0, 200)}…` : readable}"`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The message with those of its causes: undici's own ("fetch failed", "other side closed") say little alone. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  const own = error.message === '' ? error.name : error.message;
  return error.cause === undefined ? own : `${own} (${messageOf(error.cause)})`;
}
