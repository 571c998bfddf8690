// The command line of the demo.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SCENARIOS } from './embedded/scenarios/index.ts';
import type { Scenario } from './embedded/scenarios/scenario.ts';
import type { Speed } from './pacing.ts';

/** What is wanted: a demo, or nothing but an exit code, for everything has been said. */
export type Wish =
  | { kind: 'embedded'; scenario: Scenario; speed: Speed; seed: number; keep: boolean }
  | { kind: 'real' }
  | { kind: 'said'; exitCode: number };

interface Flags {
  scenario: string;
  speed?: Speed;
  seed: number;
  keep?: boolean;
  real?: boolean;
}

/** Where help and errors go. */
export interface Outlet {
  out: (text: string) => void;
  error: (text: string) => void;
}

const WRONG_USAGE = 2;
/** With this one the daemon is killed while a disk is being made. */
const DEFAULT_SEED = 11;
/** Beyond it a slice of time is no slice any more. */
const FASTEST = 100_000;
const LARGEST_SEED = 2 ** 32 - 1;
const FIRST_SCENARIO = 'spread';

export function readFlags(args: readonly string[], outlet: Outlet): Wish {
  const command = describeFlags(outlet);
  try {
    command.parse(args, { from: 'user' });
    return wishOf(command, outlet);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: 'said', exitCode: error.exitCode === 0 ? 0 : WRONG_USAGE };
  }
}

/** The list that `--help` and `--scenario help` show. */
export function scenarioList(): string {
  const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
  return SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
}

function describeFlags({ out, error }: Outlet): Command {
  return new Command('npm run demo --')
    .usage('[flags]')
    .description('Spreads a StatefulSet whose disks are all in one zone over three zones, in a simulated cluster and in virtual time: nothing but npm is needed, and in about ten seconds it is over.')
    .addOption(new Option('--scenario <name>', 'another story, see below').default(FIRST_SCENARIO))
    .addOption(new Option('--speed <factor>', 'how fast the time of the cluster runs beside ours, or `max`; without it about eight seconds in all').argParser(readSpeed))
    .addOption(new Option('--seed <number>', 'another course of events: the same seed, the same course').argParser(readSeed).default(DEFAULT_SEED))
    .addOption(new Option('--keep', 'the cluster stays up for kubectl until Ctrl-C; prints where its kubeconfig is'))
    .addOption(new Option('--real', 'the main story on a real control plane: needs Go 1.26 or newer, builds for some minutes the first time, then takes about one and a half'))
    .addHelpText('after', `\nScenarios:\n${scenarioList()}`)
    .allowExcessArguments(false)
    .showHelpAfterError('(npm run demo -- --help shows all flags)')
    .configureOutput({ writeOut: out, writeErr: error })
    .exitOverride();
}

function wishOf(command: Command, { out }: Outlet): Wish {
  const { scenario: name, speed, seed, keep = false, real = false } = command.opts<Flags>();
  if (name === 'help') {
    out(`${scenarioList()}\n`);
    return { kind: 'said', exitCode: 0 };
  }
  if (real) return refuseMixture(command);
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) return command.error(`error: there is no scenario "${name}"; there are:\n${scenarioList()}`);
  if (keep && speed === 'max') return command.error('error: --keep with --speed max: nobody could follow, and days would pass in a minute. Give --keep a factor, e.g. --speed 600');
  return { kind: 'embedded', scenario, speed: speed ?? scenario.speed, seed, keep };
}

/** A real control plane has one story, and our own time. */
function refuseMixture(command: Command): Wish {
  const given = ['scenario', 'speed', 'seed', 'keep'].filter((name) => command.getOptionValueSource(name) === 'cli');
  if (given.length > 0) return command.error(`error: ${given.map((name) => `--${name}`).join(', ')} cannot go with --real, which has one story and runs in real time. For a control plane that stays up: npm run controlplane`);
  return { kind: 'real' };
}

function readSpeed(text: string): Speed {
  if (text === 'max') return 'max';
  const factor = Number(text);
  if (text.trim() === '' || !Number.isFinite(factor) || factor <= 0 || factor > FASTEST) throw new InvalidArgumentError(`It is a factor above 0 and up to ${FASTEST} (1: as fast as our time, 60: a minute in a second), or max.`);
  return factor;
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > LARGEST_SEED) throw new InvalidArgumentError(`It is a whole number from 0 to ${LARGEST_SEED}.`);
  return seed;
}
