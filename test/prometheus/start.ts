// A real Prometheus on a free port of 127.0.0.1, in a temporary folder, that scrapes what a test names, so often that a test need not
// wait for it. It can be ended and started again where it was, with what it had gathered. Several may run side by side.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildControlPlane } from '../controlplane/build.ts';
import { freePorts, giveBack } from '../controlplane/ports.ts';
import { logTail, startProgram, type Program } from '../controlplane/program.ts';
import { answers, awaitReadiness } from '../controlplane/readiness.ts';
import { buildPrometheus } from './build.ts';

export interface PrometheusOptions {
  /** `host:port` of what it scrapes at /metrics. */
  readonly targets: readonly string[];
}

export interface RunningPrometheus {
  /** `http://127.0.0.1:20123` */
  readonly url: string;
  /** The values that the query has now, one for each series. */
  values(query: string): Promise<number[]>;
  /** Resolves when it is gone; the address stays its own. */
  end(): Promise<void>;
  /** After `end`: on the same port, with what it had gathered; resolves when it is ready. */
  startAgain(): Promise<void>;
  /** Nothing is left. May be called again. */
  stop(): Promise<void>;
}

const SCRAPE_EVERY = '250ms';
/** Starts of the whole when the port was taken between our look and its own. */
const ATTEMPTS = 5;
const PORT_TAKEN = 'address already in use';

/** Builds what is missing, then takes about a second. Throws an Error with the end of the log when it does not come up. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  // A program of the control plane ends it when we end.
  const { controlplane } = await buildControlPlane();
  const { prometheus } = await buildPrometheus();
  for (let attempt = 1; ; attempt += 1) {
    const directory = await mkdtemp(join(tmpdir(), 'zonespread-prometheus-'));
    const [port = 0] = await freePorts(1);
    const running = new Running({ command: [controlplane, 'supervise', prometheus], directory, port });
    try {
      await writeFile(join(directory, 'prometheus.yml'), configuration(options));
      await running.start();
      return running;
    } catch (cause) {
      const retry = attempt < ATTEMPTS && running.lostPort();
      await running.stop();
      if (!retry) throw cause;
    }
  }
}

function configuration({ targets }: PrometheusOptions): string {
  return stringify({
    global: { scrape_interval: SCRAPE_EVERY, scrape_timeout: SCRAPE_EVERY },
    scrape_configs: [{ job_name: 'test', static_configs: [{ targets }] }],
  });
}

interface Site {
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly port: number;
}

class Running implements RunningPrometheus {
  readonly url: string;
  private readonly site: Site;
  private program: Program | undefined;

  constructor(site: Site) {
    this.site = site;
    this.url = `http://127.0.0.1:${site.port}`;
  }

  async start(): Promise<void> {
    const { command, directory, port } = this.site;
    const program = await startProgram({
      name: 'prometheus',
      command: [
        ...command,
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        // It looks every five seconds whether it has new targets, before the first scrape, too.
        '--scrape.discovery-reload-interval=100ms',
      ],
      logFile: this.logFile,
    });
    this.program = program;
    await awaitReadiness({ what: 'Prometheus to be ready', condition: () => answers({ url: `${this.url}/-/ready` }), programs: [program] });
  }

  async values(query: string): Promise<number[]> {
    const response = await fetch(`${this.url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    const answer = (await response.json()) as { status: string; error?: string; data: { result: { value: [number, string] }[] } };
    if (answer.status !== 'success') throw new Error(`Prometheus does not answer ${query}: ${answer.error ?? response.status}`);
    return answer.data.result.map(({ value: [, value] }) => Number(value));
  }

  async end(): Promise<void> {
    // Not by SIGKILL, which would end the supervisor first: the port is free and the folder quiet only when Prometheus itself has ended.
    await this.program?.stop();
  }

  startAgain(): Promise<void> {
    return this.start();
  }

  async stop(): Promise<void> {
    await this.end();
    giveBack([this.site.port]);
    await rm(this.site.directory, { recursive: true, force: true });
  }

  lostPort(): boolean {
    return this.program?.ending !== undefined && logTail(this.logFile, 40).includes(PORT_TAKEN);
  }

  private get logFile(): string {
    return join(this.site.directory, 'prometheus.log');
  }
}
