// What was started is ended in the opposite order, whatever happened in between, and everything is tried: one that cannot be ended does
// not keep the others.

export class ClosingTime {
  readonly #ends: { what: string; end: () => Promise<void> }[] = [];

  add(what: string, end: () => Promise<void>): void {
    this.#ends.push({ what, end });
  }

  /** @returns what could not be ended, with the reason. May be called again. */
  async close(): Promise<string[]> {
    const problems: string[] = [];
    for (let last = this.#ends.pop(); last !== undefined; last = this.#ends.pop()) {
      try {
        await last.end();
      } catch (error) {
        problems.push(`${last.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return problems;
  }
}
