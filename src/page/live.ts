// Who looks on, and what they are sent: the newest picture of their place when it has changed, at most one a second; a beat when nothing
// has. Whoever cannot keep up gets the newest one when they can, and is let go of when they cannot for long.
//
//   change ──► behind ──next second──► drawn once for all at that place ──► sent, if it is another one
//                 ▲                                                            │ the line is full
//                 └────────────────────── drained ◄── blocked ◄────────────────┘   (30 s: let go)

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** To one who looks on. */
export interface Line {
  /** Gives false when it is full: nothing more until `drained`. */
  write(text: string): boolean;
  end(): void;
}

export interface Onlooker {
  drained(): void;
  /** Is not there any more. */
  gone(): void;
}

export interface LiveOptions {
  clock: Clock;
  log: Log;
  /** The event that shows a place as it is now, without the blank line at its end. */
  draw: (place: string) => string;
  /** The event that says the time: shows that the connection is there, and keeps it. */
  beat: () => string;
}

export const MOST_ONLOOKERS = 64;
export const TICK_MS = 1_000;
/** Times pass without any change: how long a pod is down, how long it will still take. */
export const REDRAW_MS = 5_000;
export const BEAT_MS = 15_000;
export const PATIENCE_MS = 30_000;

interface Seat {
  place: string;
  line: Line;
  /** What it was sent last. */
  last: string;
  sentAt: number;
  behind: boolean;
  /** Since when the line is full. */
  blockedAt: number | undefined;
}

export class Live {
  readonly #options: LiveOptions;
  readonly #seats = new Set<Seat>();
  readonly #ended = new AbortController();
  #running = false;
  #changed = false;
  #drawnAt = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get onlookers(): number {
    return this.#seats.size;
  }

  /** Something may look different. */
  changed(): void {
    this.#changed = true;
  }

  /** Undefined: no more of them are taken. */
  seat(place: string, line: Line): Onlooker | undefined {
    if (this.#seats.size >= MOST_ONLOOKERS || this.#ended.signal.aborted) return undefined;
    const seat: Seat = { place, line, last: '', sentAt: this.#options.clock.monotonic(), behind: true, blockedAt: undefined };
    this.#seats.add(seat);
    if (!this.#running) void this.#run();
    return {
      drained: () => {
        seat.blockedAt = undefined;
      },
      gone: () => this.#seats.delete(seat),
    };
  }

  /** Lets go of everybody, and takes nobody more. */
  end(): void {
    this.#ended.abort();
    for (const seat of this.#seats) this.#letGo(seat);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#seats.size > 0) {
      this.#tick(this.#options.clock.monotonic());
      await this.#options.clock.sleep(TICK_MS, this.#ended.signal);
    }
    this.#running = false;
  }

  #tick(now: number): void {
    if (this.#changed || now - this.#drawnAt >= REDRAW_MS) {
      this.#changed = false;
      this.#drawnAt = now;
      for (const seat of this.#seats) seat.behind = true;
    }
    const drawn = new Map<string, string>();
    for (const seat of this.#seats) {
      try {
        this.#attend(seat, drawn, now);
      } catch (error) {
        // Nothing that goes wrong here may reach the daemon.
        this.#options.log.error('the status page cannot be drawn; whoever looks at it is let go of', { place: seat.place, error });
        this.#letGo(seat);
      }
    }
  }

  /** @param drawn in this tick, by place */
  #attend(seat: Seat, drawn: Map<string, string>, now: number): void {
    if (seat.blockedAt === undefined) this.#serve(seat, drawn, now);
    else if (now - seat.blockedAt >= PATIENCE_MS) this.#letGo(seat);
  }

  #serve(seat: Seat, drawn: Map<string, string>, now: number): void {
    const picture = seat.behind ? this.#draw(seat, drawn) : seat.last;
    seat.behind = false;
    if (picture !== seat.last) {
      seat.last = picture;
      this.#send(seat, `${picture}\n\n${this.#options.beat()}`, now);
    } else if (now - seat.sentAt >= BEAT_MS) this.#send(seat, this.#options.beat(), now);
  }

  #draw({ place }: Seat, drawn: Map<string, string>): string {
    const picture = drawn.get(place) ?? this.#options.draw(place);
    drawn.set(place, picture);
    return picture;
  }

  #send(seat: Seat, event: string, now: number): void {
    seat.sentAt = now;
    if (!seat.line.write(`${event}\n\n`)) seat.blockedAt = now;
  }

  #letGo(seat: Seat): void {
    this.#seats.delete(seat);
    seat.line.end();
  }
}
