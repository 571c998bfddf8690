// The same question as spread.ts, answered by trying every layout: slow, and too simple to be wrong.

import type { Candidate, SpreadProblem } from '../../src/planner/spread.ts';

export interface Answer {
  /** By candidate. */
  zones: string[];
  excess: number;
  /** What matters most first: excess skew, moves, GiB, move-last pods, ranks of preference. */
  score: number[];
}

/** Layouts are tried in the order of the ordinals' wishes, so that of several that are as good the first one is the one that is promised. */
export function bruteForce(problem: SpreadProblem): Answer {
  const wishes = problem.candidates.map((candidate) => wishesOf(problem, candidate));
  const layout: string[] = [];
  let best: Answer | undefined;
  const tryFrom = (index: number): void => {
    if (index < wishes.length) {
      for (const zone of wishes[index]!) {
        layout[index] = zone;
        tryFrom(index + 1);
      }
      return;
    }
    const score = scoreOf(problem, layout);
    if (best === undefined || isBetter(score, best.score)) best = { zones: [...layout], excess: score[0]!, score };
  };
  tryFrom(0);
  return best!;
}

export function scoreOf({ zones: declared, maxSkew, candidates }: SpreadProblem, layout: readonly string[]): number[] {
  const counts = new Map(declared.map((zone) => [zone, 0]));
  const score = [0, 0, 0, 0, 0];
  for (const [index, to] of layout.entries()) {
    const { from, sizeGiB, sizeGiBTo, moveLast } = candidates[index]!;
    counts.set(to, counts.get(to)! + 1);
    score[4]! += declared.indexOf(to);
    if (to === from) continue;
    score[1]! += 1;
    score[2]! += sizeGiBTo?.[to] ?? sizeGiB;
    if (moveLast) score[3]! += 1;
  }
  score[0] = Math.max(0, Math.max(...counts.values()) - Math.min(...counts.values()) - maxSkew);
  return score;
}

export function isBetter(score: readonly number[], than: readonly number[]): boolean {
  const index = score.findIndex((value, position) => value !== than[position]);
  return index >= 0 && score[index]! < than[index]!;
}

/** Its number spells the order: each digit counts from the end of the zones that are left. Its own zone comes last. */
function wishesOf({ zones }: SpreadProblem, { ordinal, from, options }: Candidate): string[] {
  const order: string[] = [];
  let number = ordinal + zones.length - 1;
  for (let left = [...zones]; left.length > 0; left = left.filter((zone) => !order.includes(zone))) {
    order.push(left[left.length - 1 - (number % left.length)]!);
    number = Math.floor(number / left.length);
  }
  const others = order.filter((zone) => zone !== from && options.includes(zone));
  return options.includes(from ?? '') ? [...others, from!] : others;
}
