// The product's processes on the simulated world: what the embedded daemon and webhook are to scenarios, which know processes.

import { Command } from 'commander';
import { addControllerCommand, settingsOf, type ControllerFlags } from '../../src/cli/controller-command.ts';
import type { ControllerSettings } from '../../src/controller/daemon.ts';
import type { EmbeddedCluster } from '../../src/embedded/cluster.ts';
import type { EmbeddedDaemon } from '../../src/embedded/daemon.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Http } from '../../src/ports/http.ts';
import type { FakeLog, LogLine } from '../fakes/log.ts';
import type { Daemon, Webhook } from './world.ts';

/** Until a new process runs our code. */
export const PROCESS_START_MS = 400;
/** interface.md: 10 s from SIGTERM to the end. Nothing is slow here: whoever needs them all hangs. */
const STOP_MS = 10_000;

/** Read by the very command line of `zonespread controller`. */
export function settingsFrom(flags: Record<string, string>): ControllerSettings {
  let read: ControllerFlags | undefined;
  const program = new Command().exitOverride();
  addControllerCommand(program, async (given) => {
    read = given;
  });
  program.parse(['controller', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])], { from: 'user' });
  if (read === undefined) throw new Error('the command line of the controller was not read');
  return settingsOf(read);
}

export class SimulatedDaemon implements Daemon {
  readonly #daemon: EmbeddedDaemon;
  readonly #log: FakeLog;
  readonly #clock: Clock;
  #obituary: string | undefined;

  constructor(daemon: EmbeddedDaemon, { log, clock }: { log: FakeLog; clock: Clock }) {
    this.#daemon = daemon;
    this.#log = log;
    this.#clock = clock;
    void daemon.ended.then(({ code, error }) => {
      const how = code === undefined ? 'killed' : `exit code ${code}`;
      this.#obituary = [`${how}${error === undefined ? '' : `: ${inWords(error)}`}`, ...this.log.slice(-20)].join('\n');
    });
  }

  get alive(): boolean {
    return this.#daemon.alive;
  }

  get log(): string[] {
    return this.#log.lines.map(lineOf);
  }

  get obituary(): string | undefined {
    return this.#obituary;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (signal === 'SIGTERM') {
      await this.#daemon.stop();
      return;
    }
    this.#daemon.kill();
    await this.#daemon.ended;
  }

  async stop(): Promise<number | null> {
    const over = new AbortController();
    void this.#clock.sleep(STOP_MS, over.signal).then(() => {
      if (!over.signal.aborted) this.#daemon.kill();
    });
    const code = await this.#daemon.stop();
    over.abort();
    return code ?? null;
  }

  async metrics(): Promise<string> {
    if (!this.alive) throw new Error('the daemon does not answer at /metrics');
    return (await this.#daemon.metrics.expose(undefined)).text;
  }
}

export class SimulatedWebhook implements Webhook {
  readonly #embedded: EmbeddedCluster;
  readonly #log: FakeLog;
  readonly #distant: (http: Http) => Http;

  constructor(embedded: EmbeddedCluster, log: FakeLog, distant: (http: Http) => Http) {
    this.#embedded = embedded;
    this.#log = log;
    this.#distant = distant;
  }

  get alive(): boolean {
    return this.#embedded.webhook?.alive === true;
  }

  get log(): string[] {
    return this.#log.lines.filter(({ fields }) => fields['component'] === 'webhook').map(lineOf);
  }

  async start(): Promise<void> {
    if (this.alive) return;
    await this.#embedded.simulated.clock.sleep(PROCESS_START_MS);
    await this.#embedded.startWebhook({ http: this.#distant }).ready;
  }

  async kill(): Promise<void> {
    this.#embedded.webhook?.kill();
  }
}

function lineOf({ level, message, fields }: LogLine): string {
  const { error, ...others } = fields;
  return `${level} ${message} ${JSON.stringify(others)}${error === undefined ? '' : ` ${inWords(error)}`}`;
}

function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
