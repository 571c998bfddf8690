// Completion in the real shells, as a person sees it: what TAB makes of the line, and what is listed. The program behind it is the product's
// own on an API server in memory.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaces, nodes, statefulSets } from '../../../src/kubernetes/objects.ts';
import { node, statefulSet } from '../../builders/kubernetes.ts';
import { buildControlPlane } from '../../controlplane/build.ts';
import { Desk, moving } from '../command-line-of.ts';
import { openDoor, type Door } from './door.ts';
import { requirePrograms, Terminal, type InteractiveShell, type ShellOptions } from './terminal.ts';

let folder: string;
/** Where the shells stand: a file with blanks in its name, and one that is called nearly as a set is. */
let here: string;
let door: Door;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zonespread-shells-'));
  requirePrograms('bash', 'zsh', 'fish', 'script');
  here = join(folder, 'here');
  mkdirSync(here);
  for (const name of ['nodes of mine.yaml', 'wor']) writeFileSync(join(here, name), '');
  door = await openDoor(desk(), join(folder, 'bin'));
});

afterAll(async () => {
  await door?.close();
  rmSync(folder, { recursive: true, force: true });
});

function desk(): Desk {
  const one = new Desk();
  for (const name of ['web', 'worker', 'db']) one.api.put(statefulSets, statefulSet({ name, replicas: 3 }));
  one.api.put(statefulSets, statefulSet({ name: 'cart', namespace: 'shop' }));
  for (const zone of ['cn-beijing-h', 'cn-beijing-i']) one.api.put(nodes, node({ zone }));
  for (const name of ['shop', 'db']) one.api.put(namespaces, { metadata: { name } });
  one.record('web-2-bcdfg', { status: moving() });
  one.contexts = ['odd "eu" (b)', "it's", String.raw`back\slash $HOME`, 'acs:ram:one', 'acs:ram:two', 'two\nlines'];
  return one;
}

/** A home of its own, with the programs of these folders before all others. */
function home(name: string, folders: string[]): Pick<ShellOptions, 'folder' | 'at' | 'environment'> {
  const own = join(folder, name);
  mkdirSync(own);
  return { folder: own, at: here, environment: { HOME: own, PATH: [...folders, process.env['PATH'] ?? ''].join(':') } };
}

/** Ctrl-B. */
const BACK = '\u0002';

/** What is typed, and the line after TAB: the same in bash and zsh. Without the name of the program. */
const LINES: [what: string, typed: string, line: string][] = [
  ['a verb', 'comp', 'completion '],
  ['a flag of the verb', 'status --wa', 'status --watch '],
  ['no flag of another verb', 'doctor --wa', 'doctor --wa'],
  ['a value of a flag', 'status -o y', 'status -o yaml '],
  ['a value behind its sign', 'status --output=y', 'status --output=yaml '],
  ['a set of the cluster, and no file that is called like it', 'status wo', 'status worker '],
  ['nothing where there is nothing, and no file', 'status wor wor', 'status wor worker '],
  ['no file where nothing fits', 'migrate wor no', 'migrate wor no'],
  ['a move', 'abort w', 'abort web-2-bcdfg '],
  ['a namespace', 'status -n s', 'status -n shop '],
  ['a namespace behind its sign', 'status --namespace=s', 'status --namespace=shop '],
  ['a set of the namespace that was named', 'status -n shop ', 'status -n shop cart '],
  ['a set of the namespace that was named behind its sign', 'status --namespace=shop ', 'status --namespace=shop cart '],
  ['what several have in common', 'migrate web 1 ', 'migrate web 1 cn-beijing-'],
  ['a file', 'plan -f no', String.raw`plan -f nodes\ of\ mine.yaml `],
  ['a file with a quoted beginning', String.raw`plan -f nodes\ of`, String.raw`plan -f nodes\ of\ mine.yaml `],
  ['a file behind its sign', 'status --kubeconfig=no', String.raw`status --kubeconfig=nodes\ of\ mine.yaml `],
  ['a name to be quoted', 'status --context od', String.raw`status --context odd\ \"eu\"\ \(b\) `],
  ['a name to be quoted, from its middle', String.raw`status --context odd\ \"e`, String.raw`status --context odd\ \"eu\"\ \(b\) `],
  ['a name to be quoted behind its sign', 'status --context=od', String.raw`status --context=odd\ \"eu\"\ \(b\) `],
  ['a name in quotes', "status --context 'odd ", `status --context 'odd "eu" (b)' `],
  ['a name in double quotes', 'status --context "odd ', String.raw`status --context "odd \"eu\" (b)" `],
  ['a name with a quote in quotes', "status --context 'it", String.raw`status --context 'it'\''s' `],
  ['a name with a backslash and a dollar', 'status --context b', String.raw`status --context back\\slash\ \$HOME `],
  ['a name with colons', 'status --context acs:ram:o', 'status --context acs:ram:one '],
  ['what names with colons have in common', 'status --context a', 'status --context acs:ram:'],
  ['a name with colons behind its sign', 'status --context=acs:ram:o', 'status --context=acs:ram:one '],
  ['the word that the cursor has gone back to', `migrate web 1 cn here${BACK.repeat(5)}`, 'migrate web 1 cn-beijing- here'],
  ['what comes after a quoted name', String.raw`status --context odd\ \"eu\"\ \(b\) wo`, String.raw`status --context odd\ \"eu\"\ \(b\) worker `],
];

const LISTS: Readonly<Record<InteractiveShell, string[]>> = {
  bash: ['reverse         (take a move back by a move in the other direction, with every write since)', 'release         (let go of a frozen move)'],
  zsh: ['reverse         -- take a move back by a move in the other direction, with every write since', 'release         -- let go of a frozen move'],
};

describe.each<InteractiveShell>(['bash', 'zsh'])('TAB in %s', (shell) => {
  let terminal: Terminal;

  beforeAll(() => {
    terminal = new Terminal(shell, { ...home(shell, [door.folder]), start: `source <(zonespread completion ${shell})\n` });
  });

  afterAll(() => terminal?.stop());

  it.each(LINES)('gives %s: %s', async (_, typed, line) => {
    expect((await terminal.complete(`zonespread ${typed}`)).line).toBe(`zonespread ${line}`);
  });

  it('lists verbs with what they do', async () => {
    const { line, screen } = await terminal.complete('zonespread re');
    expect(line).toBe('zonespread re');
    expect(screen.split('\n')).toEqual(expect.arrayContaining(LISTS[shell]));
    expect(screen).not.toContain('abort');
  });

  it('lists what has no description by itself', async () => {
    expect((await terminal.complete('zonespread status -o ')).screen.split('\n')).toContain('json   table  yaml');
  });
});

describe('TAB in fish', () => {
  let shell: ReturnType<typeof home>;

  beforeAll(() => {
    shell = home('fish', [door.folder]);
  });

  it.each<[typed: string, offered: string[]]>([
    ['re', ['release\tlet go of a frozen move', 'restore-source\tput the old disk back in place of the new one', 'resume\tlet a paused set go on, or a frozen move', 'retained\tlist the old disks that are kept after moves, their size, and until when', 'reverse\ttake a move back by a move in the other direction, with every write since']],
    ['status --wa', ['--watch\tgo on showing it as it changes']],
    ['doctor --wa', []],
    ['status -o ', ['json', 'table', 'yaml']],
    ['status --output=y', ['--output=yaml']],
    ['status wo', ['worker']],
    ['migrate wor no', []],
    ['abort w', ['web-2-bcdfg\tweb-2 to cn-beijing-i createDisk']],
    ['status --namespace=s', ['--namespace=shop']],
    ['status --namespace=shop ', ['cart']],
    ['migrate web 1 ', ['cn-beijing-h', 'cn-beijing-i']],
    ['plan -f no', [String.raw`nodes\ of\ mine.yaml`]],
    [String.raw`plan -f nodes\ of`, [String.raw`nodes\ of\ mine.yaml`]],
    ['status --kubeconfig=no', [String.raw`--kubeconfig=nodes\ of\ mine.yaml`]],
    ['status --context od', [String.raw`odd\ \"eu\"\ \(b\)`]],
    [String.raw`status --context odd\ \"e`, [String.raw`odd\ \"eu\"\ \(b\)`]],
    ['status --context=od', [String.raw`--context=odd\ \"eu\"\ \(b\)`]],
    ["status --context 'odd ", [`'odd "eu" (b)'`]],
    ['status --context "odd ', [String.raw`"odd \"eu\" (b)"`]],
    ['status --context b', [String.raw`back\\slash\ \$HOME`]],
    ['status --context=acs:ram:', ['--context=acs:ram:one', '--context=acs:ram:two']],
    [String.raw`status --context odd\ \"eu\"\ \(b\) wo`, ['worker']],
  ])('after %s', async (typed, offered) => {
    expect(await offeredByFish(shell, `zonespread ${typed}`, 'zonespread completion fish | source')).toEqual(offered);
  });

  it('works from where fish looks for it', async () => {
    const installed = home('fish installed', [door.folder]);
    const install = 'mkdir -p ~/.config/fish/completions; zonespread completion fish > ~/.config/fish/completions/zonespread.fish';
    expect(await offeredByFish(installed, 'zonespread status wo', install)).toEqual(['worker']);
  });
});

it('works from where zsh looks for it, at the first TAB and the next', async () => {
  const start = 'mkdir ~/functions; zonespread completion zsh > ~/functions/_zonespread\nfpath=(~/functions $fpath); compinit -u -D\n';
  const terminal = new Terminal('zsh', { ...home('zsh installed', [door.folder]), start });
  try {
    for (const time of [1, 2]) expect((await terminal.complete('zonespread status wo')).line, `TAB number ${time}`).toBe('zonespread status worker ');
  } finally {
    await terminal.stop();
  }
});

// Bash is left out: kubectl's script for it needs the package bash-completion.
describe('kubectl zonespread', () => {
  let programs: string[];

  beforeAll(async () => {
    programs = [door.folder, dirname((await buildControlPlane()).kubectl)];
  });

  it('is completed in zsh', async () => {
    const terminal = new Terminal('zsh', { ...home('kubectl in zsh', programs), start: 'source <(kubectl completion zsh)\n' });
    try {
      expect((await terminal.complete('kubectl zonespread re')).screen.split('\n')).toEqual(expect.arrayContaining(LISTS.zsh));
      expect((await terminal.complete('kubectl zonespread status -n shop c')).line).toBe('kubectl zonespread status -n shop cart ');
      expect((await terminal.complete('kubectl zonespread status --output=y')).line).toBe('kubectl zonespread status --output=yaml ');
    } finally {
      await terminal.stop();
    }
  });

  it('is completed in fish', async () => {
    const shell = home('kubectl in fish', programs);
    const source = 'kubectl completion fish | source';
    expect(await offeredByFish(shell, 'kubectl zonespread abo', source)).toEqual(['abort\tundo what can be undone of a move']);
    expect(await offeredByFish(shell, 'kubectl zonespread status --namespace=shop c', source)).toEqual(['cart']);
  });
});

/** What fish would put in place of the word, each with its description. */
function offeredByFish({ at, environment }: Pick<ShellOptions, 'at' | 'environment'>, typed: string, start: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile('fish', ['-c', `${start}; complete -C --escape -- $argv[1]`, typed], { cwd: at, env: environment }, (cause, out, error) => {
      if (cause !== null || error !== '') reject(new Error(`fish failed: ${error}`, { cause }));
      else resolve(out.split('\n').slice(0, -1));
    });
  });
}
