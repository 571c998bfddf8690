// The wire format of the RPC-style API: `Tag.1.Key=a&Tag.1.Value=b` to parameters, answers and errors to status, headers and JSON.

import type { EcsParameters } from '../../ports/ecs-call.ts';
import type { Exchange } from './exchange.ts';

/** `Tag.1.Key` becomes `Tag: [{ Key }]`, `ResourceId.1` becomes `ResourceId: [ … ]`; everything else stays a string. */
export function parametersOfQuery(query: URLSearchParams): EcsParameters {
  const parameters: EcsParameters = {};
  const lists = new Map<string, Map<number, unknown>>();
  for (const [name, value] of query) {
    const [, list, index, field] = /^(\w+)\.(\d+)(?:\.(\w+))?$/.exec(name) ?? [];
    if (list === undefined) {
      parameters[name] = value;
      continue;
    }
    const items = lists.get(list) ?? new Map<number, unknown>();
    lists.set(list, items);
    const position = Number(index);
    if (field === undefined) items.set(position, value);
    else items.set(position, { ...(items.get(position) as Record<string, unknown> | undefined), [field]: value });
  }
  for (const [name, items] of lists) parameters[name] = [...items].sort(([left], [right]) => left - right).map(([, item]) => item);
  return parameters;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function wireAnswer(exchange: Exclude<Exchange, { kind: 'lost' }>, host: string): WireAnswer {
  const json = { 'content-type': 'application/json;charset=utf-8' };
  if (exchange.kind === 'answer') return { status: 200, headers: json, body: JSON.stringify(exchange.body) };
  if (exchange.kind === 'broken') return { status: exchange.status, headers: { 'content-type': 'text/html' }, body: exchange.body };
  const retry: Record<string, string> = exchange.retryAfterMs === undefined ? {} : { 'x-acs-retry-after': String(exchange.retryAfterMs) };
  const body = {
    RequestId: exchange.requestId,
    HostId: host,
    Code: exchange.code,
    Message: exchange.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${exchange.code}&product=Ecs`,
  };
  return { status: exchange.status, headers: { ...json, ...retry, 'x-acs-request-id': exchange.requestId }, body: JSON.stringify(body) };
}
