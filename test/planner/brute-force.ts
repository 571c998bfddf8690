// The same question as spread.ts, answered by trying every assignment: slow, and too simple to be wrong.

import type { Candidate, SpreadProblem } from '../../src/planner/spread.ts';

export interface Answer {
  zones: string[];
  excess: number;
}

export function bruteForce(problem: SpreadProblem): Answer {
  const all = assignments(problem.candidates);
  const scored = all.map((zones) => ({ zones, score: scoreOf(problem, zones) }));
  const best = scored.reduce((least, { score }) => (compare(score, least) < 0 ? score : least), scored[0]!.score);
  let left = scored.filter(({ score }) => compare(score, best) === 0).map(({ zones }) => zones);
  for (const [index, candidate] of problem.candidates.entries()) {
    const wish = wishes(problem, candidate).find((zone) => left.some((zones) => zones[index] === zone))!;
    left = left.filter((zones) => zones[index] === wish);
  }
  return { zones: left[0]!, excess: best[0]! };
}

function assignments(candidates: readonly Candidate[]): string[][] {
  return candidates.reduce<string[][]>((partial, { options }) => partial.flatMap((zones) => options.map((zone) => [...zones, zone])), [[]]);
}

function scoreOf({ zones: declared, maxSkew, candidates }: SpreadProblem, zones: string[]): number[] {
  const counts = declared.map((zone) => zones.filter((other) => other === zone).length);
  const moved = candidates.flatMap((candidate, index) => (candidate.from === zones[index] ? [] : [{ candidate, to: zones[index]! }]));
  return [
    Math.max(0, Math.max(...counts) - Math.min(...counts) - maxSkew),
    moved.length,
    moved.reduce((sum, { candidate, to }) => sum + (candidate.sizeGiBTo?.[to] ?? candidate.sizeGiB), 0),
    moved.filter(({ candidate }) => candidate.moveLast).length,
    zones.reduce((sum, zone) => sum + declared.indexOf(zone), 0),
  ];
}

function compare(a: number[], b: number[]): number {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}

/** Its number spells the order: each digit counts from the end of the zones that are left. Its own zone comes last. */
function wishes({ zones }: SpreadProblem, { ordinal, from, options }: Candidate): string[] {
  const order: string[] = [];
  let number = ordinal + zones.length - 1;
  for (let left = [...zones]; left.length > 0; left = left.filter((zone) => !order.includes(zone))) {
    order.push(left[left.length - 1 - (number % left.length)]!);
    number = Math.floor(number / left.length);
  }
  const others = order.filter((zone) => zone !== from && options.includes(zone));
  return options.includes(from ?? '') ? [...others, from!] : others;
}
