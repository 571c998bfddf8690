// A story of the simulated cluster: what it is about, and how it goes.

import type { Phase } from '../../../migration/record.ts';
import type { Play, Told } from '../play.ts';

export interface Scenario {
  /** `zone-closing`. */
  name: string;
  /** For the list: a sentence. */
  summary: string;
  /** The first line of its play. */
  title: string;
  /** Where its set begins. */
  bornIn: readonly string[];
  /** Such that it takes about eight seconds. */
  speed: number;
  /** Bad ends of a move that are part of it. */
  expected?: readonly Phase[];
  play(play: Play): Promise<Told>;
}
