// The beginning: one line for everything that is up, with the real time that it took.

import type { Clock } from '../ports/clock.ts';
import type { Screen } from '../cli/rendering/screen.ts';
import { line, piece, seconds } from '../cli/rendering/text.ts';

/** Says what is being started, and what is up. */
export interface Announcer {
  coming(what: string): void;
  up(what: string, details: string): void;
}

const NAME_WIDTH = 15;

export function createAnnouncer(screen: Screen, clock: Clock): Announcer {
  let since = clock.monotonic();
  return {
    coming(what) {
      screen.show(() => [line('  … ', piece(what, 'faint'))]);
    },
    up(what, details) {
      const now = clock.monotonic();
      screen.say(line(piece('  ✓ ', 'good'), piece(what.padEnd(NAME_WIDTH), 'strong'), piece(`${seconds(now - since).padStart(6)}  `, 'faint'), details));
      since = now;
    },
  };
}
