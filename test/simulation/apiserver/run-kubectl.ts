// kubectl as a person runs it: what it says on both channels and how it ends, whether it fails or not.

import { spawn } from 'node:child_process';

export interface Said {
  code: number | null;
  out: string;
  err: string;
}

export interface Run {
  kubectl: string;
  /** Beside ours. */
  environment: Record<string, string>;
  args: string[];
  input: string | undefined;
}

export function runAnyKubectl({ kubectl, environment, args, input = '' }: Run): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject).once('close', (code) => resolve({ code, out, err }));
    // A command that does not read its input closes it early.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
