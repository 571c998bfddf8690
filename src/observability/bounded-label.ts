// A label whose values come from somebody else: whatever they send, it takes only so many.

/** More than a healthy API ever answers; each value costs a series for every other label's. */
const MOST_VALUES = 60;
const LONGEST = 80;
const OTHER = 'Other';

export class BoundedLabel {
  readonly #known = new Set<string>();

  /** The value itself, or `Other` when it is too long to be a name or there are too many already. */
  bounded(value: string): string {
    if (this.#known.has(value)) return value;
    if (value.length > LONGEST || this.#known.size >= MOST_VALUES) return OTHER;
    this.#known.add(value);
    return value;
  }
}
