// `npm run simulate`: plays histories by seed. A failing one is played again with its trace kept, made smaller, and told.

import { Command, InvalidArgumentError } from 'commander';
import { availableParallelism } from 'node:os';
import { writeSync } from 'node:fs';
import { Coverage } from './coverage.ts';
import { playAll } from './crew.ts';
import { drawPlan } from './draw.ts';
import { ENOUGH_HISTORIES, expectedCoverage } from './expected.ts';
import type { HistoryPlan } from './plan.ts';
import { play, type Outcome } from './play.ts';
import { shrink } from './shrink.ts';
import { systemClock } from '../ports/clock.ts';

interface Flags {
  seed: number;
  seeds: number;
  threads: number;
  trace: boolean;
  shrink: boolean;
  keepGoing: boolean;
  coverage: boolean;
}

const say = (line: string): void => void writeSync(1, `${line}\n`);

const program = new Command('simulate')
  .description('plays histories of a cluster, a cloud and the product on them, each decided by its seed; one that breaks an invariant is told and made smaller')
  .option('--seed <n>', 'the first seed', integer, 1)
  .option('--seeds <n>', 'how many seeds from there on', integer, 1)
  .option('--threads <n>', 'histories at once', integer, availableParallelism())
  .option('--trace', 'print the readable trace of the history, whatever its outcome (one seed)', false)
  .option('--no-shrink', 'do not make a failing history smaller')
  .option('--keep-going', 'play all seeds although some have failed', false)
  .option('--coverage', 'print how often each fault, act, step and crash site was met', false)
  .addHelpText('after', '\nExamples:\n  npm run simulate -- --seeds 1000            the first thousand seeds\n  npm run simulate -- --seed 4711 --trace     one history, told\n')
  .showHelpAfterError();
program.parse();
process.exitCode = await main(program.opts<Flags>());

async function main(flags: Flags): Promise<number> {
  if (flags.seeds === 1) return one(flags);
  const failed = await many(flags);
  if (failed.seeds.length > 0) {
    await explain(Math.min(...failed.seeds.map(({ seed }) => seed)), flags);
  }
  return failed.seeds.length > 0 || failed.unmet.length > 0 ? 1 : 0;
}

async function one({ seed, trace, shrink: wantsShrink }: Flags): Promise<number> {
  const outcome = await play(drawPlan(seed), { kept: trace });
  for (const line of outcome.lines) say(line);
  say(`seed ${seed}: ${outcome.events} events in ${minutes(outcome.virtualMs)} of virtual time, trace ${outcome.hash}${outcome.broken === undefined ? ', every invariant holds' : ''}`);
  if (outcome.broken === undefined) return 0;
  say(outcome.broken.message);
  if (wantsShrink) await explain(seed, { shrink: true });
  return 1;
}

async function many({ seed, seeds, threads, keepGoing, coverage: wantsCoverage }: Flags): Promise<{ seeds: Outcome[]; unmet: string[] }> {
  const began = systemClock.monotonic();
  const coverage = new Coverage();
  const failed: Outcome[] = [];
  let [played, events] = [0, 0];
  const perMinute = (): number => Math.round((played / (systemClock.monotonic() - began)) * 60_000);
  await playAll({
    seeds: range(seed, seeds),
    threads: Math.min(threads, seeds),
    onOutcome(outcome) {
      played += 1;
      events += outcome.events;
      coverage.add(outcome.coverage);
      if (outcome.broken !== undefined) {
        failed.push(outcome);
        say(`seed ${outcome.seed}: ${outcome.broken.message}`);
      }
      if (played % 500 === 0) say(`${played} of ${seeds} histories, ${failed.length} failed, ${perMinute()} a minute`);
      return failed.length === 0 || keepGoing;
    },
  });
  say(`${played} histories (seeds ${seed} to ${seed + seeds - 1}), ${events} events, ${failed.length} failed; ${perMinute()} a minute on ${threads} threads`);
  if (wantsCoverage) for (const [what, times] of Object.entries(coverage.counts())) say(`${String(times).padStart(9)}  ${what}`);
  const unmet = played < ENOUGH_HISTORIES ? [] : coverage.missing(expectedCoverage());
  if (unmet.length > 0) say(`never met, so the run proves nothing about it: ${unmet.join(', ')}`);
  return { seeds: failed.toSorted((left, right) => left.seed - right.seed), unmet };
}

/** The smallest plan that was found, and what happens in it. */
async function explain(seed: number, flags: Pick<Flags, 'shrink'>): Promise<void> {
  const plan = drawPlan(seed);
  const first = await play(plan);
  if (first.broken === undefined) {
    say(`seed ${seed} does not fail when it is played again: what it does depends on something beside the seed`);
    return;
  }
  const invariant = first.broken.invariant;
  const fails = async (candidate: HistoryPlan): Promise<boolean> => (await play(candidate)).broken?.invariant === invariant;
  const { plan: smallest, played } = flags.shrink ? await shrink(plan, { fails }) : { plan, played: 0 };
  const told = await play(smallest, { kept: true });
  for (const line of told.lines) say(line);
  say(`\nseed ${seed} breaks ${first.broken.message}`);
  say(`the plan${played > 0 ? `, made smaller in ${played} histories` : ''}:\n${JSON.stringify(smallest)}`);
  say(`again: npm run simulate -- --seed ${seed} --trace`);
}

function* range(from: number, count: number): Generator<number> {
  for (let seed = from; seed < from + count; seed += 1) yield seed;
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`;
}

function integer(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('give a whole number.');
  return Number(text);
}
