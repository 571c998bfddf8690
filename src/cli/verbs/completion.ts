// `zonespread completion`: the script that makes a shell complete verbs, flags, and names from the cluster.

import { Argument, type Command } from 'commander';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.ts';
import { addExamples } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';

export function addCompletionVerb(program: Command, around: Surroundings): void {
  const command = program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => void around.out.write(SCRIPTS[shell]));
  // The script is about the program of this name, whatever the plugin is called.
  addExamples(command, 'zonespread', [
    ['completion bash > /etc/bash_completion.d/zonespread', 'bash, for everybody (needs the package bash-completion); for this shell: source <(zonespread completion bash)'],
    ['completion zsh > "${fpath[1]}/_zonespread"', 'zsh'],
    ['completion fish > ~/.config/fish/completions/zonespread.fish', 'fish'],
  ]);
  command.addHelpText('after', `
kubectl zonespread is completed by kubectl itself, where kubectl_complete-zonespread is on the PATH beside kubectl-zonespread:
the same program under a third name.
`);
}
