// The body of a request, whole and in bounds: of each one, and of all that are being received at once.

import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** Twice the 3 MiB that the API server takes in a request (object and oldObject), with room for the envelope. */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;
/** What all bodies under way may hold: many times what API servers send at once, and less than would end the process. */
const RECEIVING_LIMIT_BYTES = 128 * 1024 * 1024;
/** Of a body that is too large so much is still read and thrown away: who is cut off while sending may never see the answer. */
const DISCARD_LIMIT_BYTES = 4 * BODY_LIMIT_BYTES;

/** The request cannot be answered as a review: what HTTP says to that, and why. */
export class RefusedRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'RefusedRequest';
    this.status = status;
  }
}

/** Thrown for a client that went away in the middle: there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection in the middle of its request');
    this.name = 'ClientGone';
  }
}

const tooLarge = (): RefusedRequest => new RefusedRequest(413, `the body is larger than ${BODY_LIMIT_BYTES} bytes; the API server takes no objects of that size`);

/** Receives bodies; one per listener. */
export class Receiver {
  #receiving = 0;

  /** Calls back once, with the text or with a RefusedRequest or ClientGone. A callback, because a promise costs each review a turn. */
  read(request: IncomingMessage, done: (result: string | RefusedRequest | ClientGone) => void): void {
    const chunks: Buffer[] = [];
    let [length, held] = [0, 0];
    let finished = false;
    let refusal: RefusedRequest | undefined = this.#refusalOf(request);
    const finish = (result: string | RefusedRequest | ClientGone): void => {
      if (finished) return;
      finished = true;
      this.#receiving -= held;
      done(result);
    };
    const refuse = (reason: RefusedRequest): void => {
      refusal = reason;
      chunks.length = 0;
      this.#receiving -= held;
      held = 0;
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > DISCARD_LIMIT_BYTES) return finish(refusal ?? tooLarge());
      if (refusal !== undefined) return undefined;
      if (length > BODY_LIMIT_BYTES) return refuse(tooLarge());
      if (this.#receiving + chunk.length > RECEIVING_LIMIT_BYTES) return refuse(new RefusedRequest(503, 'too many bytes of other requests are being received; try again'));
      held += chunk.length;
      this.#receiving += chunk.length;
      chunks.push(chunk);
      return undefined;
    });
    request.once('end', () => finish(refusal ?? textOf(chunks)));
    request.once('close', () => {
      if (!finished) finish(new ClientGone());
    });
    // Without a listener Node swallows it, with one 'close' follows.
    request.on('error', () => undefined);
    if (declaredLength(request) > DISCARD_LIMIT_BYTES) finish(tooLarge());
  }

  /** What the head alone says against it. */
  #refusalOf({ method, headers }: IncomingMessage): RefusedRequest | undefined {
    if (method !== 'POST') return new RefusedRequest(405, `a review is asked for by POST, not by ${method ?? ''}`);
    const type = headers['content-type'] ?? '';
    if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) return new RefusedRequest(415, `a review is application/json in UTF-8, not ${type === '' ? 'a body without a content type' : JSON.stringify(type)}`);
    // Nobody compresses a review; what is compressed may be a bomb.
    const encoding = headers['content-encoding'] ?? 'identity';
    return encoding === 'identity' ? undefined : new RefusedRequest(415, `a review comes uncompressed, not as ${JSON.stringify(encoding)}`);
  }
}

function declaredLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

function textOf(chunks: Buffer[]): string | RefusedRequest {
  const [only] = chunks;
  const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
  return isUtf8(whole) ? whole.toString() : new RefusedRequest(400, 'the body is not UTF-8');
}
