// How fast the cluster is: drawn anew for every single event, wake-up and request, so that a seed decides who comes before whom.

import type { Random } from '../../ports/random.ts';

/** Bounds in ms, both included. */
export type Span = readonly [least: number, most: number];

export interface PaceSettings {
  /** From a commit to a controller's cache. */
  watch: Span;
  /** From a controller's wake-up, or the end of its last work, to its next work. */
  reconcile: Span;
  /** A controller's request on its way to the API server, and the answer on its way back. */
  request: Span;
}

/** A calm control plane: reactions within some milliseconds. */
export const CALM: PaceSettings = { watch: [0, 3], reconcile: [0, 2], request: [0, 3] };

export class Pace {
  settings: PaceSettings;
  readonly #random: Pick<Random, 'next'>;

  constructor(random: Pick<Random, 'next'>, settings: PaceSettings = CALM) {
    this.#random = random;
    this.settings = settings;
  }

  readonly watchMs = (): number => this.#draw(this.settings.watch);
  readonly reconcileMs = (): number => this.#draw(this.settings.reconcile);
  readonly requestMs = (): number => this.#draw(this.settings.request);

  #draw([least, most]: Span): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }
}
