#!/usr/bin/env node
// The one binary: `zonespread <verb>`, and `kubectl zonespread <verb>` when it is on the PATH as kubectl-zonespread.
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 blocked.

import { Command, CommanderError } from 'commander';
import { addControllerCommand } from './controller-command.ts';
import { VERSION } from './process.ts';
import { addWebhookCommand } from './webhook-command.ts';

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
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  process.stderr.write(`zonespread: ${message}${cause}\n`);
  return 1;
}
