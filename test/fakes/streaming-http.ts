// HTTP whose answers the test gives piece by piece, while the code under test is reading them.

import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';

export class OpenExchange {
  readonly request: HttpRequest;
  /** True once the code under test has aborted it or stopped reading. */
  abandoned = false;
  readonly #answered = Promise.withResolvers<HttpResponse>();
  readonly #pieces: (Uint8Array | Error | 'end')[] = [];
  #wake: () => void = () => {};

  constructor(request: HttpRequest) {
    this.request = request;
    request.signal?.addEventListener('abort', () => {
      this.abandoned = true;
      const aborted = new DOMException('This operation was aborted', 'AbortError');
      this.#answered.reject(aborted);
      this.breakOff(aborted);
    });
  }

  get response(): Promise<HttpResponse> {
    return this.#answered.promise;
  }

  /** Sends the headers. */
  answer(status = 200, headers: Record<string, string> = {}): this {
    this.#answered.resolve({ status, headers, body: this.#body() });
    return this;
  }

  json(body: unknown, status = 200, headers: Record<string, string> = {}): void {
    this.answer(status, headers).send(JSON.stringify(body));
    this.end();
  }

  send(...pieces: (string | Uint8Array)[]): this {
    for (const piece of pieces) this.#push(typeof piece === 'string' ? Buffer.from(piece) : piece);
    return this;
  }

  /** One watch event a line. */
  event(type: string, object: object): this {
    return this.send(`${JSON.stringify({ type, object })}\n`);
  }

  end(): void {
    this.#push('end');
  }

  refuse(error: Error): void {
    this.#answered.reject(error);
  }

  breakOff(error: Error): void {
    this.#push(error);
  }

  #push(piece: Uint8Array | Error | 'end'): void {
    this.#pieces.push(piece);
    this.#wake();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece === 'end') return;
        if (piece instanceof Error) throw piece;
        if (piece !== undefined) {
          yield piece;
          continue;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.abandoned = true;
    }
  }
}

export class StreamingHttp implements Http {
  readonly exchanges: OpenExchange[] = [];

  send(request: HttpRequest): Promise<HttpResponse> {
    const exchange = new OpenExchange(request);
    this.exchanges.push(exchange);
    return exchange.response;
  }

  /** The latest; the code under test has sent it and waits. */
  get last(): OpenExchange {
    const exchange = this.exchanges.at(-1);
    if (exchange === undefined) throw new Error('StreamingHttp: nothing was asked yet');
    return exchange;
  }

  get paths(): string[] {
    return this.exchanges.map((exchange) => exchange.request.path);
  }
}
