// The verbs, and what comes of them: 0 done, 1 failed, 2 wrong usage, 3 blocked.

import { Command, CommanderError } from 'commander';
import { addControllerCommand } from './controller-command.ts';
import { LATER_VERBS } from './later-verbs.ts';
import { VERSION } from './process.ts';
import { addWebhookCommand } from './webhook-command.ts';
import { addWindDownCommand } from './wind-down-command.ts';

export function createProgram(): Command {
  const program = new Command('zonespread')
    .description('Declare the zones of a StatefulSet; zonespread moves its zonal disks there, one ordinal at a time.')
    .exitOverride()
    .showHelpAfterError('(--help shows what is allowed)');
  program
    .command('version')
    .description('print the version')
    .action(() => {
      process.stdout.write(`zonespread ${VERSION} (Node ${process.version})\n`);
    });
  addControllerCommand(program);
  addWebhookCommand(program);
  addWindDownCommand(program);
  for (const [verb, instead] of Object.entries(LATER_VERBS)) addLaterVerb(program, verb, instead);
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** @returns the exit code; what went wrong has been said on standard error. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function addLaterVerb(program: Command, verb: string, instead: string): void {
  program
    .command(verb, { hidden: true })
    .allowUnknownOption()
    .argument('[arguments...]')
    .action((_args: string[], _flags: object, command: Command) => command.error(`error: "zonespread ${verb}" is not in this version yet; ${instead}`));
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  process.stderr.write(`zonespread: ${message}${cause}\n`);
  return 1;
}
