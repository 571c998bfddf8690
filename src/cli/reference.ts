// docs/cli.md, made from the program itself: every verb with its arguments, flags and examples, as `--help` has them.

import type { Command } from 'commander';

const INTRODUCTION = `# The command line

Made from the code (\`npm run docs:cli\`); a test holds it to that.

\`zonespread <verb>\`, or \`kubectl zonespread <verb>\` where \`kubectl-zonespread\` is on the PATH (the same program under another name; as
\`kubectl_complete-zonespread\` it completes for kubectl). From a checkout: \`npm run --silent zonespread -- <verb>\`.

- Sets are named as for kubectl: \`web\`, \`statefulset/web\`. Moves by their OrdinalMigration, \`web-2-bcdfg\`, or \`web/2\`: the move of ordinal 2 that is under way.
- \`-n\`, \`--context\` and \`--kubeconfig\` as for kubectl; \`-o json|yaml\` for programs; colours only on a terminal, and not where \`NO_COLOR\` is set.
- Whatever is written is written on the very object that was looked at, by UID or version, and says how to follow it and how to take it back.
  \`--dry-run\` asks the API server with its webhooks, and stores nothing.

| exit code | |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage |
| 3 | blocked: nothing is broken, but what was asked cannot be now; the reason is on standard error |
`;

/** Markdown. */
export function referenceOf(program: Command): string {
  const verbs = program.createHelp().visibleCommands(program).filter((command) => command.name() !== 'help');
  const list = verbs.map((command) => `| [\`${command.name()}\`](#${command.name()}) | ${cell(command.description())} |`);
  return [INTRODUCTION, '| verb | |', '|---|---|', ...list, '', ...verbs.flatMap(sectionOf)].join('\n');
}

function sectionOf(command: Command): string[] {
  return [`## ${command.name()}`, '', `${capitalized(command.description())}.`, '', '```text', helpOf(command), '```', ''];
}

/** What `--help` prints below the description, at the width of a page, without the environment that it was made in. */
function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ helpWidth: 110 }).configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => 110, getOutHasColors: () => false });
  command.outputHelp();
  const [usage = '', , ...rest] = text.trimEnd().split(/\n\n/);
  return [usage, ...rest].join('\n\n');
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
