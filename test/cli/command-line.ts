// A command line as a test gives it: the flags that come of it, or the message and code of its refusal.

import { Command, CommanderError } from 'commander';

/** What `add` makes of the arguments and of the environment (names without the prefix), with nothing run. */
export function parsed<Flags>(add: (program: Command, run: (flags: Flags) => Promise<void>) => void, args: string[], environment: Record<string, string> = {}): { flags?: Flags; error?: string } {
  const result: { flags?: Flags; error?: string } = {};
  const program = new Command('zonespread').exitOverride();
  add(program, (flags) => {
    result.flags = flags;
    return Promise.resolve();
  });
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  const before = { ...process.env };
  for (const [name, value] of Object.entries(environment)) process.env[`ZONESPREAD_${name}`] = value;
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    result.error = error.message;
  } finally {
    process.env = before;
  }
  return result;
}
