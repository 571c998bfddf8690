// Client tokens: the same token with the same parameters gives the first answer again, with other parameters a refusal.

import type { EcsParameters } from '../../ports/ecs-call.ts';
import { Refusal } from './refusals.ts';
import type { EcsState } from './state.ts';

export type TokenAction = 'CreateDisk' | 'CreateSnapshot';

/** Each action has its own word for a token whose first call is still at work. */
const IN_PROCESS_CODE: Record<TokenAction, string> = { CreateDisk: 'LastTokenProcessing', CreateSnapshot: 'IdempotentProcessing' };

export interface TokenUse {
  action: TokenAction;
  token: string | undefined;
  parameters: EcsParameters;
  /** The cloud has lost its memory of the token. */
  forgotten: boolean;
}

/** The id that the first call with this token made. @throws Refusal for other parameters. */
export function rememberedId(state: EcsState, use: TokenUse): string | undefined {
  if (use.token === undefined || use.forgotten) return undefined;
  const remembered = state.tokens.get(tokenKey(use.action, use.token));
  if (remembered === undefined || remembered.until <= state.now()) return undefined;
  if (remembered.fingerprint !== fingerprint(use.parameters)) {
    throw new Refusal(400, 'IdempotentParameterMismatch', 'The specified parameter has changed while using an already used clientToken.');
  }
  return remembered.id;
}

export function rememberToken(state: EcsState, use: TokenUse, id: string): void {
  if (use.token === undefined) return;
  const until = state.now() + state.timings.tokenLifetimeMs;
  state.tokens.set(tokenKey(use.action, use.token), { fingerprint: fingerprint(use.parameters), id, until });
}

/** Marks the token as being worked on for as long as `work` takes. @throws Refusal when it already is. */
export async function processing<T>(state: EcsState, use: TokenUse, work: () => Promise<T>): Promise<T> {
  if (use.token === undefined) return work();
  const key = tokenKey(use.action, use.token);
  if (state.tokensInProcess.has(key)) {
    throw new Refusal(403, IN_PROCESS_CODE[use.action], 'The previous idempotent request is still being processed. Please try again later.');
  }
  state.tokensInProcess.add(key);
  try {
    return await work();
  } finally {
    state.tokensInProcess.delete(key);
  }
}

function tokenKey(action: string, token: string): string {
  return `${action} ${token}`;
}

/** Typed and wire parameters of one request come out the same. */
function fingerprint(parameters: EcsParameters): string {
  return JSON.stringify(normal(parameters));
}

function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, item]) => [name, normal(item)]);
  }
  return String(value);
}
