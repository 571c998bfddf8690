// The verbs, and what comes of them: 0 done, 1 failed, 2 wrong usage, 3 blocked.

import { Command, CommanderError } from 'commander';
import { COMPLETE, complete } from './completion/candidates.ts';
import { addControllerCommand } from './controller-command.ts';
import { DONE, FAILED, VerbEnded, WRONG_USAGE } from './exit.ts';
import { explain } from './failure.ts';
import { VERSION } from './process.ts';
import { surroundingsOfThisProcess, type Surroundings } from './surroundings.ts';
import { addApproveVerb } from './verbs/approve.ts';
import { addCompletionVerb } from './verbs/completion.ts';
import { addDoctorVerb } from './verbs/doctor.ts';
import { addEvacuateVerb } from './verbs/evacuate.ts';
import { addMigrateVerb } from './verbs/migrate.ts';
import { addPauseVerb, addResumeVerb } from './verbs/pausing.ts';
import { addPlanVerb } from './verbs/plan.ts';
import { addRequestVerbs } from './verbs/requests.ts';
import { addRetainedVerb } from './verbs/retained.ts';
import { addStatusVerb } from './verbs/status.ts';
import { addWebhookCommand } from './webhook-command.ts';
import { addWindDownCommand } from './wind-down-command.ts';

export function createProgram(around: Surroundings = surroundingsOfThisProcess()): Command {
  const program = new Command(around.calledAs)
    .description('Declare the zones of a StatefulSet; zonespread moves its zonal disks there, one ordinal at a time.')
    .exitOverride()
    // With their arguments, which their own help has, there would be no room for the descriptions.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ writeOut: (text) => around.out.write(text), writeErr: (text) => around.error.write(text) })
    .showHelpAfterError('(--help shows what is allowed)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 blocked (with the reason).\n');
  program.commandsGroup('Look:');
  addStatusVerb(program, around);
  addPlanVerb(program, around);
  addRetainedVerb(program, around);
  addDoctorVerb(program, around);
  program.commandsGroup('Decide:');
  addApproveVerb(program, around);
  addMigrateVerb(program, around);
  addEvacuateVerb(program, around);
  addPauseVerb(program, around);
  addResumeVerb(program, around);
  addRequestVerbs(program, around);
  program.commandsGroup('Run:');
  addControllerCommand(program);
  addWebhookCommand(program);
  addWindDownCommand(program);
  program.commandsGroup('Other:');
  addCompletionVerb(program, around);
  program
    .command('version')
    .description('print the version')
    .action(() => {
      around.out.write(`zonespread ${VERSION} (Node ${process.version})\n`);
    });
  program.helpCommand('help [command]', 'show the help of a command');
  return program;
}

/** @returns the exit code; what went wrong has been said on standard error. */
export async function runProgram(program: Command, args: readonly string[], around: Surroundings = surroundingsOfThisProcess()): Promise<number> {
  const [first, ...rest] = args;
  try {
    if (first === COMPLETE) await complete(program, rest, around);
    else await program.parseAsync([...args], { from: 'user' });
    return DONE;
  } catch (error) {
    return report(error, around);
  }
}

function report(error: unknown, around: Pick<Surroundings, 'error'>): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  // Much of it was written by others: nothing of it may steer the terminal.
  const message = explain(error).replaceAll(/[^\P{Cc}\n]/gu, ' ');
  if (message !== '') around.error.write(`zonespread: ${message}\n`);
  return error instanceof VerbEnded ? error.exitCode : FAILED;
}
