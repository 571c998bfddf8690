// The life of a simulated process: everything that reaches it from outside (answers, watched changes, the end of a sleep) goes through
// here. A dead process gets nothing more, a paused one gets it when it goes on; what is under way at the server goes its way regardless.
//
//   process ──► clock, http, cloud ──► the cluster
//           ◄── gate ◄───────────────

import type { Clock } from '../ports/clock.ts';
import type { EcsCall } from '../ports/ecs-call.ts';
import { isWatch, type Http, type HttpRequest, type HttpResponse } from '../ports/http.ts';

export interface LifeOptions {
  /** How fast the process's clock runs beside the cluster's. Default 1. */
  clockRate?: number;
}

export class Life {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #ended = new AbortController();
  #paused: PromiseWithResolvers<void> | undefined;

  constructor(clock: Clock, { clockRate = 1 }: LifeOptions = {}) {
    this.#clock = clock;
    this.#rate = clockRate;
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  /** kill -9: its connections break, and it never hears of anything again. */
  end(): void {
    this.#ended.abort(new Error('the process is gone'));
  }

  /** SIGSTOP, a stalled machine, a long garbage collection. @returns what lets it go on. */
  pause(): () => void {
    const paused = (this.#paused ??= Promise.withResolvers<void>());
    return () => {
      if (this.#paused === paused) this.#paused = undefined;
      paused.resolve();
    };
  }

  clock(): Clock {
    const [clock, rate] = [this.#clock, this.#rate];
    const [wall, began] = [clock.now(), clock.monotonic()];
    const passed = (): number => (clock.monotonic() - began) * rate;
    return {
      now: () => wall + passed(),
      monotonic: () => began + passed(),
      sleep: (ms, signal) => this.#through(clock.sleep(ms / rate, signal)),
    };
  }

  http(http: Http): Http {
    return {
      send: (request) => this.#through(this.#sent(http, request)),
    };
  }

  cloud(cloud: EcsCall): EcsCall {
    return {
      call: (action, parameters) => this.#through(this.#begin().then(() => cloud.call(action, parameters))),
    };
  }

  async #sent(http: Http, request: HttpRequest): Promise<HttpResponse> {
    await this.#begin();
    // A watch ends with its process; a write that is on its way is carried out.
    const signal = isWatch(request) ? AbortSignal.any([this.#ended.signal, ...(request.signal === undefined ? [] : [request.signal])]) : request.signal;
    const answer = await http.send({ ...request, ...(signal === undefined ? {} : { signal }) });
    // An answer has come as a whole; of a watch every piece comes through.
    return isWatch(request) ? { ...answer, body: this.#pieces(answer.body) } : answer;
  }

  async *#pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#through(iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** What the process asks for: of a dead one nothing leaves, of a paused one nothing yet. */
  async #begin(): Promise<void> {
    await this.#gate();
  }

  async #through<T>(outcome: Promise<T>): Promise<T> {
    try {
      const value = await outcome;
      await this.#gate();
      return value;
    } catch (error) {
      await this.#gate();
      throw error;
    }
  }

  async #gate(): Promise<void> {
    while (this.#paused !== undefined && !this.over) await this.#paused.promise;
    if (this.over) await NEVER();
  }
}

/** A new one each time: one for all would hold on to everybody who waits for it. */
function NEVER(): Promise<never> {
  return new Promise(() => {});
}
