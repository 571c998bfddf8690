// `npm run demo` as a process of its own, without a terminal.

import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url));

export interface Demo {
  process: ChildProcess;
  /** The exit code. */
  ended: Promise<number | null>;
  /** Everything so far, standard error included. */
  output(): string;
  /** Resolves once it has. @throws Error when the demo ends before. */
  says(what: RegExp): Promise<void>;
}

/** `folder`: for whatever the demo writes. */
export function startDemo(folder: string, args: readonly string[], environment: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, TMPDIR: folder, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return {
    process: child,
    ended,
    output: () => output,
    says: (what) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (what.test(output)) resolve();
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`the demo ended before it said ${String(what)}:\n${output}`)));
        look();
      }),
  };
}
