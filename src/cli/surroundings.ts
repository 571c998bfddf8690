// What a verb has around it: the terminal, time, the cluster, files, a person. Ports, so that tests see exactly what a person would.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { contextsOf, loadCluster, type ClusterConnection } from '../kubernetes/config.ts';
import { systemClock, type Clock } from '../ports/clock.ts';
import { systemRandom, type Random } from '../ports/random.ts';
import type { EcsCall } from '../ports/ecs-call.ts';
import { createEcsCall, type EcsOptions } from '../alicloud/ecs.ts';
import type { Terminal } from './rendering/screen.ts';

export interface Surroundings {
  /** How people call us: `zonespread`, or `kubectl zonespread` where kubectl runs us as its plugin. */
  readonly calledAs: string;
  readonly out: Terminal;
  readonly error: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  /** @throws Error for people when there is no usable configuration. */
  connect(where: { kubeconfig?: string; context?: string }): ClusterConnection;
  /** Names that `connect` takes. @throws as it does. */
  contexts(where: { kubeconfig?: string }): string[];
  /** `-`: standard input. @throws when it cannot be read. */
  readText(path: string): Promise<string>;
  /** Asks a person; undefined where nobody sits there. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Ctrl-C and SIGTERM, from the first call on; before that they end the process. */
  interrupted(): AbortSignal;
  ecs(options: EcsOptions): EcsCall;
}

/** kubectl runs its plugins by their file names. */
const PLUGIN = /^kubectl(?:_complete)?-zonespread/;

export function surroundingsOfThisProcess(): Surroundings {
  let interrupted: AbortSignal | undefined;
  const isSomebodyThere = process.stdin.isTTY && process.stdout.isTTY;
  return {
    calledAs: PLUGIN.test(basename(process.argv[1] ?? '')) ? 'kubectl zonespread' : 'zonespread',
    out: process.stdout,
    error: process.stderr,
    environment: process.env,
    clock: systemClock,
    random: systemRandom,
    connect: (where) => loadCluster(where),
    contexts: ({ kubeconfig }) => contextsOf(kubeconfig),
    readText: (path) => (path === '-' ? text(process.stdin) : readFile(path, 'utf8')),
    ask: isSomebodyThere ? askOnTerminal : undefined,
    interrupted: () => (interrupted ??= untilInterrupted()),
    ecs: (options) => createEcsCall(options),
  };
}

async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/** A second one ends the process at once. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
