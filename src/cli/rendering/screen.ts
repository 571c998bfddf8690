// Where things are shown. A terminal gets lasting lines with a live part below them that is redrawn in place; anything else (a pipe, a
// file, TERM=dumb, NO_COLOR) gets plain lines only.

import { systemClock, type Clock } from '../../ports/clock.ts';
import { paint, widthOf, type Line } from './text.ts';

/** Of `process.stdout`. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface ScreenSize {
  columns: number;
  rows: number;
}

export interface Screen {
  /** Whether there is a live part. */
  readonly live: boolean;
  /** Lines that stay. */
  say(...lines: readonly Line[]): void;
  /** Lines that stay where nothing is redrawn; a live screen shows the same by its map. */
  note(...lines: readonly Line[]): void;
  /** Draws the live part anew, if there is one; one that comes right after another is left out. */
  show(linesFor: (size: ScreenSize) => readonly Line[]): void;
  /** Takes the live part away. */
  clear(): void;
  /** The same, and the terminal is as it was. May be called again. */
  end(): void;
}

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const ERASE_BELOW = '\u001B[J';

/** Between two drawings of the live part: more often nobody sees, and a terminal far away would lag behind. */
export const FRAME_MS = 40;

export function createScreen(terminal: Terminal, environment: Readonly<Record<string, string | undefined>>, clock: Pick<Clock, 'monotonic'> = systemClock): Screen {
  // no-color.org: any value but the empty one. Whoever sets it reads a log, or listens to one.
  const plain = terminal.isTTY !== true || environment['TERM'] === 'dumb' || (environment['NO_COLOR'] ?? '') !== '';
  return plain ? new PlainScreen(terminal) : new LiveScreen(terminal, clock);
}

class PlainScreen implements Screen {
  readonly live = false;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  say(...lines: readonly Line[]): void {
    this.#terminal.write(lines.map((one) => `${paint(one, false).trimEnd()}\n`).join(''));
  }

  note(...lines: readonly Line[]): void {
    this.say(...lines);
  }

  show(): void {}

  clear(): void {}

  end(): void {}
}

class LiveScreen implements Screen {
  readonly live = true;
  readonly #terminal: Terminal;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** Widths of the lines that are drawn now; the cursor is at the start of the line below them. */
  #drawn: number[] = [];
  #cursorHidden = false;

  constructor(terminal: Terminal, clock: Pick<Clock, 'monotonic'>) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  say(...lines: readonly Line[]): void {
    const erase = this.#erase();
    this.#drawn = [];
    this.#terminal.write(erase + this.#painted(lines));
  }

  note(): void {}

  show(linesFor: (size: ScreenSize) => readonly Line[]): void {
    const now = this.#clock.monotonic();
    if (this.#drawn.length > 0 && now - this.#drawnAt < FRAME_MS) return;
    this.#drawnAt = now;
    const { columns = 80, rows = 24 } = this.#terminal;
    // The cursor needs a row of its own, and some terminals wrap at the last column.
    const lines = linesFor({ columns: columns - 1, rows: rows - 1 });
    const hide = this.#cursorHidden ? '' : HIDE_CURSOR;
    this.#cursorHidden = true;
    const erase = this.#erase();
    this.#drawn = lines.map(widthOf);
    this.#terminal.write(hide + erase + this.#painted(lines));
  }

  clear(): void {
    this.say();
  }

  end(): void {
    this.clear();
    if (this.#cursorHidden) this.#terminal.write(SHOW_CURSOR);
    this.#cursorHidden = false;
  }

  /** A terminal that was made narrower has wrapped what was drawn. */
  #erase(): string {
    if (this.#drawn.length === 0) return '';
    const columns = Math.max(1, this.#terminal.columns ?? 80);
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return `\u001B[${rows}A\r${ERASE_BELOW}`;
  }

  #painted(lines: readonly Line[]): string {
    return lines.map((one) => `${paint(one, true)}\n`).join('');
  }
}
