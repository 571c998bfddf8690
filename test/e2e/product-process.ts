// A process of the product as a child of the tests: `node src/cli/main.ts <verb> --flags`, its output kept, its end awaited.

import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Process } from './world.ts';

export interface ProcessOptions {
  verb: 'controller' | 'webhook';
  /** `{ 'step-timeout': '5s' }` */
  flags: Record<string, string>;
  environment?: Record<string, string>;
  /** Where --http listens. */
  httpPort: number;
}

export interface ProductProcess extends Process {
  /** The body of a page at --http; undefined unless it is answered with 200. */
  page(path: string): Promise<string | undefined>;
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const START_MS = 60_000;
/** interface.md: 10 s from SIGTERM to the end. */
const STOP_MS = 10_000;
const LINES_KEPT = 2_000;

/** Resolves when /readyz says so. @throws Error with its last lines when it ends before, or is not ready in time. */
export async function startProcess(options: ProcessOptions): Promise<ProductProcess> {
  const flags = Object.entries({ ...options.flags, http: `127.0.0.1:${options.httpPort}` }).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [MAIN, options.verb, ...flags], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.environment } });
  const log: string[] = [];
  const keep = (line: string): void => {
    log.push(line);
    if (log.length > LINES_KEPT) log.shift();
  };
  createInterface({ input: child.stdout }).on('line', keep);
  createInterface({ input: child.stderr }).on('line', keep);

  let code: number | null | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (exitCode) => {
      code = exitCode;
      resolve();
    });
  });
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void ended.then(() => process.off('exit', endWithUs));

  const running: ProductProcess = {
    log,
    get alive() {
      return code === undefined;
    },
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
      return code ?? null;
    },
    page: (path) => pageAt(`http://127.0.0.1:${options.httpPort}${path}`),
  };
  await untilReady(running, options.verb);
  return running;
}

async function untilReady(started: ProductProcess, verb: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  while ((await started.page('/readyz')) === undefined) {
    const trouble = started.alive ? (performance.now() > deadline ? `is not ready after ${START_MS / 1000} s` : undefined) : 'ended at its start';
    if (trouble !== undefined) {
      await started.kill('SIGKILL');
      throw new Error(`zonespread ${verb} ${trouble}:\n${started.log.slice(-20).join('\n')}`);
    }
    await pause(50);
  }
}

function pageAt(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => resolve(response.statusCode === 200 ? body : undefined));
      response.once('error', () => resolve(undefined));
    });
    call.once('error', () => resolve(undefined));
  });
}
