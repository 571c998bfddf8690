// `npm run demo`: a StatefulSet whose disks are all in one zone spreads itself over three, on a real control plane and a simulated cloud.
// Exit codes: 0 everything held, 1 something did not or went wrong, 2 wrong usage, 130 and the like: interrupted.

import { constants } from 'node:os';
import { Command, CommanderError } from 'commander';
import { keepLogs } from './boot.ts';
import { ClosingTime } from './closing-time.ts';
import { runDemo, type Running } from './run.ts';
import { createScreen } from './screen.ts';
import { EMPTY, line, piece } from './text.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
/** As shells have it: 128 and the signal's number. */
const SIGNALED = 128;

process.exitCode = readUsage() ?? (await demo());
// Whatever should still hold the process: everything that was started is gone, or ends with us.
process.exit();

/** An exit code, if the command line leaves nothing to do. */
function readUsage(): number | undefined {
  const usage = new Command('npm run demo')
    .usage(' ')
    .description('Spreads a StatefulSet whose disks are all in one zone over three zones, on a real Kubernetes control plane and a simulated cloud. Needs Go 1.26 or newer; the first run builds for some minutes, every other takes about one and a half. Ctrl-C ends it and leaves nothing behind. It takes no options.')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride();
  try {
    usage.parse();
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : WRONG_USAGE;
  }
}

async function demo(): Promise<number> {
  const interrupted = listenForSignals();
  const screen = createScreen(process.stdout, process.env);
  const closing = new ClosingTime();
  const running: Running = { screen, closing, signal: interrupted.signal, ownLog: [], begun: undefined };
  try {
    const good = await runDemo(running);
    const tidy = await closeAll(running);
    return good && tidy ? 0 : FAILED;
  } catch (error) {
    screen.end();
    const code = interrupted.code();
    if (code === undefined) await explain(error, running);
    await closeAll(running);
    return code ?? FAILED;
  } finally {
    screen.end();
  }
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
  const onSignal = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (code !== undefined) process.exit(code);
    code = SIGNALED + constants.signals[name];
    controller.abort(new Error(name));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name));
  // Nobody reads on (`npm run demo | head`).
  process.stdout.on('error', () => onSignal('SIGHUP'));
  return { signal: controller.signal, code: () => code };
}

async function explain(error: unknown, { screen, begun, ownLog }: Running): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split('\n');
  screen.say(EMPTY, line(piece('The demo failed. ', 'bad'), lines[0] ?? ''), ...lines.slice(1).map((one) => line(one)));
  if (begun === undefined) return;
  try {
    screen.say(line(`The logs of everything that ran are in ${await keepLogs(begun, ownLog)}`));
  } catch (cause) {
    screen.say(line(`The logs could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`));
  }
}
