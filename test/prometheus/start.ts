// A real Prometheus on a free port of 127.0.0.1, in a temporary folder, that scrapes what a test names, so often that a test need not
// wait for it. It can be ended and started again where it was, with what it had gathered; or begin with a past that a test has made up.
// Several may run side by side.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildControlPlane } from '../controlplane/build.ts';
import { freePorts, giveBack } from '../controlplane/ports.ts';
import { logTail, startProgram, type Program } from '../controlplane/program.ts';
import { answers, awaitReadiness } from '../controlplane/readiness.ts';
import { buildPrometheus } from './build.ts';
import { writeBlocks } from './promtool.ts';

export interface PrometheusOptions {
  /** `host:port` of what it scrapes at /metrics. Default: nothing. */
  readonly targets?: readonly string[];
  /** What it has scraped before: OpenMetrics lines with their times, in pieces that begin and end at even hours (UTC). */
  readonly past?: readonly string[];
}

/** Seconds. */
export interface Span {
  start: number;
  end: number;
  step: number;
}

export interface Series {
  labels: Readonly<Record<string, string>>;
  /** Epoch seconds and value. */
  points: (readonly [time: number, value: number])[];
}

export interface RunningPrometheus {
  /** `http://127.0.0.1:20123` */
  readonly url: string;
  /** The values that the query has now, one for each series. */
  values(query: string): Promise<number[]>;
  /** The query at one moment: a point for each series. @throws what Prometheus has against it */
  at(query: string, epochSeconds: number): Promise<Series[]>;
  /** The query over a time. @throws what Prometheus has against it */
  over(query: string, span: Span): Promise<Series[]>;
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
      for (const samples of options.past ?? []) await writeBlocks(samples, { folder: directory, data: join(directory, 'data') });
      await running.start();
      return running;
    } catch (cause) {
      const retry = attempt < ATTEMPTS && running.lostPort();
      await running.stop();
      if (!retry) throw cause;
    }
  }
}

function configuration({ targets = [] }: PrometheusOptions): string {
  return stringify({
    global: { scrape_interval: SCRAPE_EVERY, scrape_timeout: SCRAPE_EVERY },
    scrape_configs: [{ job_name: 'test', static_configs: [{ targets }] }],
  });
}

/** Of an instant query the one value, of a range query the values. */
interface Result {
  metric: Record<string, string>;
  value?: [time: number, value: string];
  values?: [time: number, value: string][];
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
    const results = await this.#ask('query', { query });
    return results.map(({ value: [, value] = [0, ''] }) => Number(value));
  }

  async at(query: string, epochSeconds: number): Promise<Series[]> {
    const results = await this.#ask('query', { query, time: String(epochSeconds) });
    return results.map(({ metric, value: [time, value] = [0, ''] }) => ({ labels: metric, points: [[time, Number(value)]] }));
  }

  async over(query: string, { start, end, step }: Span): Promise<Series[]> {
    const results = await this.#ask('query_range', { query, start: String(start), end: String(end), step: String(step) });
    return results.map(({ metric, values = [] }) => ({ labels: metric, points: values.map(([time, value]) => [time, Number(value)] as const) }));
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

  async #ask(what: 'query' | 'query_range', parameters: Record<string, string>): Promise<Result[]> {
    const response = await fetch(`${this.url}/api/v1/${what}?${new URLSearchParams(parameters).toString()}`);
    const answer = (await response.json()) as { status: string; error?: string; data: { result: Result[] } };
    if (answer.status !== 'success') throw new Error(`Prometheus does not answer ${parameters['query'] ?? ''}: ${answer.error ?? response.status}`);
    return answer.data.result;
  }

  private get logFile(): string {
    return join(this.site.directory, 'prometheus.log');
  }
}
