// The trace of a history: every committed change, every call and every act, as one line each, hashed as it comes. The same seed gives the
// same hash; the lines are kept only when somebody wants to read them.

import { createHash } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';

/** Characters: many short lines cost more than their text. */
const HASHED_AT_ONCE = 65_536;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #clock: Clock;
  readonly #lines: string[] | undefined;
  readonly #began: number;
  #unhashed = '';
  #count = 0;

  constructor(clock: Clock, { kept = false }: { kept?: boolean } = {}) {
    this.#clock = clock;
    this.#lines = kept ? [] : undefined;
    this.#began = clock.monotonic();
  }

  /** `important`: in the readable trace; everything is in the hash. */
  note(line: string, { important = true }: { important?: boolean } = {}): void {
    const at = this.#clock.monotonic() - this.#began;
    this.#unhashed += `${at} ${line}\n`;
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#hashRest();
    this.#count += 1;
    if (important) this.#lines?.push(`${(at / 1_000).toFixed(3).padStart(10)} s  ${line}`);
  }

  get events(): number {
    return this.#count;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Of all lines so far; ends the hash. */
  digest(): string {
    this.#hashRest();
    return this.#hash.digest('hex').slice(0, 16);
  }

  #hashRest(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }
}
