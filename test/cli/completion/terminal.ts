// An interactive shell in a terminal of its own, that can be typed into: bash and zsh as a person has them, line editor and all.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seen } from '../command-line-of.ts';

export type InteractiveShell = 'bash' | 'zsh';

export interface Shown {
  /** The line as it stands after the key. */
  line: string;
  /** What came on the screen meanwhile, without colours. */
  screen: string;
}

const WIDTH = 160;
const PROMPT = '> ';
const [CLEAR_LINE, TAB, TELL] = ['\u0005\u0015', '\t', '\u0018\u0010'];
/** The shell writes its line between these two: a command to the terminal, which shows nothing. */
const [TOLD_FROM, TOLD_TO] = ['\u001B]line;', '\u0007'];

/** What each reads when it starts: lists come at the first TAB and whole, and Ctrl-X Ctrl-P tells the line. */
const STARTS: Readonly<Record<InteractiveShell, string>> = {
  bash: `PS1='${PROMPT}'
bind 'set show-all-if-ambiguous on'
bind 'set completion-query-items 0'
bind 'set page-completions off'
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
tell() { printf '\\e]line;%s\\a' "$READLINE_LINE"; }
bind -x '"\\C-x\\C-p": tell'
`,
  zsh: `PS1='${PROMPT}'
unset zle_bracketed_paste
autoload -U compinit && compinit -u -D
setopt no_beep no_always_last_prompt
LISTMAX=0
tell() { print -rn -- $'\\e]line;'"$BUFFER"$'\\a'; }
zle -N tell
bindkey '^X^P' tell
`,
};

const COMMANDS: Readonly<Record<InteractiveShell, (folder: string) => string>> = {
  bash: (folder) => `bash --noprofile --rcfile '${join(folder, '.bashrc')}' -i`,
  zsh: () => 'zsh -d -i',
};

export interface ShellOptions {
  /** For its start file. */
  folder: string;
  /** Where it stands. */
  at: string;
  environment: Record<string, string>;
  /** More of the start file. */
  start: string;
}

/** @throws Error that says what to install. */
export function requirePrograms(...programs: string[]): void {
  for (const program of programs) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch (error) {
      throw new Error(`there is no ${program}, and completion is tested in the real shells: apt install ${program === 'script' ? 'bsdutils' : program}`, { cause: error });
    }
  }
}

export class Terminal {
  readonly #child: ChildProcess;
  #received = '';
  #wake: () => void = () => undefined;
  #ready: Promise<void> | undefined;

  constructor(shell: InteractiveShell, { folder, at, environment, start }: ShellOptions) {
    writeFileSync(join(folder, `.${shell}rc`), `stty cols ${WIDTH} rows 50\n${STARTS[shell]}${start}`);
    const env = { ...environment, TERM: 'xterm', LC_ALL: 'C.UTF-8', ZDOTDIR: folder, HISTFILE: '', SHELL: '/bin/sh' };
    this.#child = spawn('script', ['-qfec', COMMANDS[shell](folder), '/dev/null'], { cwd: at, env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    this.#child.once('close', () => this.#wake());
  }

  /** A new line, and TAB at its end, or where Ctrl-B has gone back to. */
  async complete(typed: string): Promise<Shown> {
    // Before that the line editor has not yet taken the terminal over.
    await (this.#ready ??= this.#until(PROMPT));
    await this.#told(CLEAR_LINE);
    return this.#told(`${typed}${TAB}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin?.write(`${CLEAR_LINE}exit\r`);
    await closed;
  }

  /** Keys are read one after the other, so when the line is told what they did has been shown. */
  async #told(keys: string): Promise<Shown> {
    this.#received = '';
    this.#child.stdin?.write(`${keys}${TELL}`);
    await this.#until(TOLD_TO);
    const [screen = '', rest = ''] = this.#received.split(TOLD_FROM);
    return { line: rest.slice(0, rest.indexOf(TOLD_TO)), screen: seen(screen).replaceAll('\r', '') };
  }

  async #until(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.#child.exitCode !== null) throw new Error(`the shell has ended, having said: ${this.#received}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
