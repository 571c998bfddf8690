// Which set goes first when there is no room in the cluster's budgets for all that want to move: whoever has waited for very long, then sets
// that leave a zone which is being evacuated, the most important first, then the worst skew. Nobody waits for ever.

export interface Wish {
  /** `namespace/name` of the set. */
  set: string;
  /** Moves that would start now if there were room. */
  moves: number;
  /** Priority of its pods, while one of the moves leaves a zone that is being evacuated. */
  evacuates: number | undefined;
  skew: number;
}

export interface Precedence {
  /**
   * How many of its moves the set may start when there is room for so many; the rest of the room is kept for `before`, which come first.
   * With no move, the set waits no longer.
   */
  ask(wish: Wish, room: number): { moves: number; before: string[] };
}

/** Whoever has waited so long goes before everybody else. */
const LONG_WAIT_MS = 3_600_000;
/** Sets that wait for room ask every 15 s; one that no longer does is gone, or something else holds it. */
const FORGOTTEN_AFTER_MS = 60_000;

interface Waiting extends Wish {
  sinceMs: number;
  askedMs: number;
}

/** `now`: monotonic, in ms. */
export function createPrecedence(now: () => number): Precedence {
  const waiting = new Map<string, Waiting>();
  return {
    ask(wish, room) {
      const nowMs = now();
      for (const [set, { askedMs }] of waiting) if (nowMs - askedMs > FORGOTTEN_AFTER_MS) waiting.delete(set);
      const own: Waiting = { ...wish, sinceMs: waiting.get(wish.set)?.sinceMs ?? nowMs, askedMs: nowMs };
      waiting.delete(wish.set);
      if (wish.moves === 0) return { moves: 0, before: [] };
      const before = [...waiting.values()].filter((other) => compare(other, own, nowMs) < 0);
      const kept = before.reduce((sum, { moves }) => sum + moves, 0);
      const moves = Math.max(0, Math.min(wish.moves, room - kept));
      if (moves < wish.moves) waiting.set(wish.set, { ...own, moves: wish.moves - moves });
      return { moves, before: before.toSorted((a, b) => compare(a, b, nowMs)).map(({ set }) => set) };
    },
  };
}

/** Negative: `a` goes first. */
function compare(a: Waiting, b: Waiting, nowMs: number): number {
  const differences = [longWait(b, nowMs) - longWait(a, nowMs), importance(b) - importance(a), b.skew - a.skew, a.sinceMs - b.sinceMs];
  return differences.find((difference) => difference !== 0) ?? (a.set < b.set ? -1 : 1);
}

/** 0 until it is long. */
function longWait({ sinceMs }: Waiting, nowMs: number): number {
  return nowMs - sinceMs < LONG_WAIT_MS ? 0 : nowMs - sinceMs;
}

/** Less than any priority for a set that leaves no zone in need. */
function importance({ evacuates }: Waiting): number {
  return evacuates ?? -Number.MAX_SAFE_INTEGER;
}
