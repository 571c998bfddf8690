// HTTP by script: each request gets the next answer of the list, and is remembered.

import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';

export interface ScriptedAnswer {
  /** Default 200. */
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
  /** No answer at all: `send` throws this. */
  error?: unknown;
  /** The body ends in this error. */
  breaksOff?: Error;
  /** Nothing comes until the request's signal aborts. */
  hangs?: boolean;
}

export class ScriptedHttp implements Http {
  readonly requests: HttpRequest[] = [];
  readonly #answers: ScriptedAnswer[];

  constructor(...answers: ScriptedAnswer[]) {
    this.#answers = answers;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error(`ScriptedHttp: no answer is left for ${request.method} ${request.path}`);
    if (answer.hangs === true) await untilAborted(request.signal);
    if (answer.error !== undefined) throw answer.error as Error;
    const text = answer.text ?? JSON.stringify(answer.json ?? {});
    return { status: answer.status ?? 200, headers: answer.headers ?? {}, body: bodyOf(text, answer.breaksOff) };
  }
}

async function* bodyOf(text: string, breaksOff: Error | undefined): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  if (breaksOff !== undefined) throw breaksOff;
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new DOMException('This operation was aborted', 'AbortError'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
