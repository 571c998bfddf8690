// "Sometimes" counters: what the histories of a run have come through. A run that never met a fault, a step or a crash site that it is
// there for proves nothing about it.

export class Coverage {
  readonly #counts = new Map<string, number>();

  /** `what` as `fault: lost answer`, `step: swapClaim`, `killed at: snapshot`. */
  met(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  add(other: Coverage | Record<string, number>): void {
    const counts = other instanceof Coverage ? other.counts() : other;
    for (const [what, times] of Object.entries(counts)) this.met(what, times);
  }

  /** In the order of the names. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([left], [right]) => (left < right ? -1 : 1)));
  }

  /** Of those that are expected: never met. */
  missing(expected: readonly string[]): string[] {
    return expected.filter((what) => !this.#counts.has(what));
  }
}
