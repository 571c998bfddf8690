// `npm run demo`: a StatefulSet whose disks are all in one zone spreads itself over three, in a simulated cluster or on a real control
// plane. Exit codes: 0 everything held, 1 something did not or went wrong, 2 wrong usage, 130 and the like: interrupted.

import { constants } from 'node:os';
import { systemClock } from '../ports/clock.ts';
import { ClosingTime } from './closing-time.ts';
import { runEmbeddedDemo } from './embedded/run.ts';
import { readFlags, type Wish } from './flags.ts';
import type { Running } from './running.ts';
import { createScreen } from '../cli/rendering/screen.ts';
import { EMPTY, line, piece } from '../cli/rendering/text.ts';

const FAILED = 1;
/** As shells have it: 128 and the signal's number. */
const SIGNALED = 128;

/** A Ctrl-C reaches us from the terminal and from npm, which passes on what it gets. */
const ONE_KEY_MS = 300;

const wish = readFlags(process.argv.slice(2), { out: (text) => process.stdout.write(text), error: (text) => process.stderr.write(text) });
process.exitCode = wish.kind === 'said' ? wish.exitCode : await demo(wish);
// Whatever should still hold the process: everything that was started is gone, or ends with us.
process.exit();

async function demo(of: Exclude<Wish, { kind: 'said' }>): Promise<number> {
  const interrupted = listenForSignals();
  const screen = createScreen(process.stdout, process.env);
  const closing = new ClosingTime();
  const running: Running = { screen, closing, signal: interrupted.signal, keepLogs: undefined };
  try {
    const good = await run(of, running);
    if (!good) await tellOfLogs(running);
    const tidy = await closeAll(running);
    return good && tidy ? 0 : FAILED;
  } catch (error) {
    screen.end();
    const code = interrupted.code();
    if (code === undefined) await explain(error, running);
    const tidy = await closeAll(running);
    if (code !== undefined && tidy) screen.say(EMPTY, line('Stopped halfway. What was started has ended with it, and nothing is left.'));
    return code ?? FAILED;
  } finally {
    screen.end();
  }
}

async function run(of: Exclude<Wish, { kind: 'said' }>, running: Running): Promise<boolean> {
  if (of.kind === 'embedded') return runEmbeddedDemo(running, { ...of, start: yesterday() });
  // Only whoever wants it has what it needs.
  const { runRealDemo } = await import('./real/run.ts');
  return runRealDemo(running);
}

/** Noon of the day before: virtual time runs ahead of ours, and must not get into the future soon. One hour of the day for all: a seed is a seed. */
function yesterday(): string {
  const day = new Date(systemClock.now() - 24 * 3_600_000);
  return `${day.toISOString().slice(0, 10)}T12:00:00.000Z`;
}

async function closeAll({ closing, screen }: Running): Promise<boolean> {
  const problems = await closing.close();
  for (const problem of problems) screen.say(line(piece('Could not end ', 'bad'), problem));
  return problems.length === 0;
}

/** The first one ends the demo in good order. A second one ends it at once: what we started ends with us. */
function listenForSignals(): { signal: AbortSignal; code: () => number | undefined } {
  const controller = new AbortController();
  let code: number | undefined;
  let firstAt = 0;
  const onSignal = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (code !== undefined && systemClock.monotonic() - firstAt < ONE_KEY_MS) return;
    if (code !== undefined) process.exit(code);
    firstAt = systemClock.monotonic();
    code = SIGNALED + constants.signals[name];
    controller.abort(new Error(name));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name));
  // Nobody reads on (`npm run demo | head`).
  process.stdout.on('error', () => onSignal('SIGHUP'));
  return { signal: controller.signal, code: () => code };
}

async function explain(error: unknown, running: Running): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split('\n');
  running.screen.say(EMPTY, line(piece('The demo failed. ', 'bad'), lines[0] ?? ''), ...lines.slice(1).map((one) => line(one)));
  await tellOfLogs(running);
}

async function tellOfLogs({ screen, keepLogs }: Running): Promise<void> {
  if (keepLogs === undefined) return;
  try {
    screen.say(line(`The logs of everything that ran are in ${await keepLogs()}`));
  } catch (cause) {
    screen.say(line(`The logs could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`));
  }
}
