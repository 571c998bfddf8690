// A shell of somebody who has the real kubectl and helm on the PATH, and types what a document says, letter by letter.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterUnderTest } from '../e2e/cluster-under-test.ts';
import { buildHelm } from '../helm/build.ts';
import { ROOT } from './markdown.ts';

/** What a reader puts in, by what stands there: `<your registry>`. */
export type Fillings = Readonly<Record<string, string>>;

export class Shell {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zonespread-typed-'));
  #environment: NodeJS.ProcessEnv = {};

  async open({ kubeconfig, binaries }: Pick<ClusterUnderTest, 'kubeconfig' | 'binaries'>): Promise<void> {
    symlinkSync(binaries.kubectl, join(this.#folder, 'kubectl'));
    symlinkSync(await buildHelm(), join(this.#folder, 'helm'));
    // Files that a command names are those of a checkout; those that it writes are the reader's own.
    symlinkSync(join(ROOT, 'charts'), join(this.#folder, 'charts'));
    this.#environment = { PATH: `${this.#folder}:/usr/bin:/bin`, HOME: this.#folder, KUBECONFIG: kubeconfig };
  }

  /** What it prints. @throws with what it complains of */
  async run(command: string, fillings: Fillings = {}): Promise<string> {
    return (await promisify(execFile)('sh', ['-c', filledIn(command, fillings)], { cwd: this.#folder, env: this.#environment })).stdout;
  }

  /** What it prints until it is interrupted, when `over` resolves. */
  async during(command: string, over: () => Promise<unknown>): Promise<string> {
    const child = spawn('sh', ['-c', `exec ${command}`], { cwd: this.#folder, env: this.#environment, stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = new Promise<void>((resolve, reject) => child.once('error', reject).once('close', () => resolve()));
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    try {
      await over();
    } finally {
      child.kill('SIGINT');
    }
    await closed;
    return shown;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function filledIn(command: string, fillings: Fillings): string {
  const text = Object.entries(fillings).reduce((so, [placeholder, value]) => so.replaceAll(placeholder, value), command);
  const left = /<[a-z][a-z ]*>/.exec(text);
  if (left !== null) throw new Error(`nobody says what ${left[0]} is in: ${command}`);
  return text;
}
