// The daemon as a process of a simulated cluster: the very code of `zonespread controller` behind a clock, an API server and a cloud of
// its own, so that it can be killed, paused and started again at any instant.

import { createAlicloudDisks } from '../alicloud/disks.ts';
import { observeCalls } from '../alicloud/observed.ts';
import { fenceCalls } from '../cli/backend.ts';
import { runController, type ControllerSettings } from '../controller/daemon.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createStatusPage } from '../page/status-page.ts';
import type { EcsCall } from '../ports/ecs-call.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Prometheus } from '../ports/prometheus.ts';
import type { Random } from '../ports/random.ts';
import type { Tasks } from '../simulation/controllers/tasks.ts';
import { Life, type LifeOptions } from './life.ts';
import { virtualSchedule } from './schedule.ts';

export interface DaemonOptions extends LifeOptions {
  clock: Tasks;
  random: Random;
  http: Http;
  cloud: EcsCall;
  region: string;
  log: Log;
  /** Of its flag `--prometheus`. */
  prometheus?: Prometheus | undefined;
  settings?: Partial<ControllerSettings>;
}

/** As the flags have them, but for what a simulated day makes too long. */
export const DAEMON_SETTINGS: ControllerSettings = {
  leaseNamespace: 'zonespread-system',
  leaderElect: true,
  leaseTiming: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
  sweep: '*/5 * * * *',
  budgets: { atOnce: 2, perHour: undefined, perZonePair: undefined },
  coolDownMs: 3_600_000,
  stepTimeoutMs: 600_000,
  reserving: { on: true, image: 'pause', prepull: false },
  namespaces: undefined,
  http: undefined,
  dryRun: false,
};

export class EmbeddedDaemon {
  readonly metrics: Metrics = createMetrics({ version: 'embedded', ofProcess: false });
  /** Resolves when the process is gone: 0 after SIGTERM, 1 when it ended by itself, undefined when it was killed. */
  readonly ended: Promise<{ code: number | undefined; error?: unknown }>;
  readonly #life: Life;
  readonly #terminate = new AbortController();
  #epoch: number | undefined;
  readonly #end = Promise.withResolvers<{ code: number | undefined; error?: unknown }>();

  constructor({ clock: time, random, http, cloud, region, log, prometheus, settings, ...life }: DaemonOptions) {
    this.#life = new Life(time, life);
    this.ended = this.#end.promise;
    const clock = this.#life.clock();
    const call = observeCalls(this.#life.cloud(cloud), { clock, observe: (action, code, ms) => this.metrics.diskApiCalled({ action, code }, ms / 1000) });
    const running = runController({
      http: this.#life.http(http),
      disks: (leadership) => {
        this.#epoch = leadership.epoch;
        return createAlicloudDisks({ call: fenceCalls(call, leadership), clock, region });
      },
      clock,
      random,
      schedule: virtualSchedule(clock),
      log,
      metrics: this.metrics,
      prometheus,
      page: (outlook) => createStatusPage({ outlook, clock, log }),
      settings: { ...DAEMON_SETTINGS, ...settings },
      signal: this.#terminate.signal,
    });
    running.then(
      () => this.#over({ code: 0 }),
      (error: unknown) => this.#over({ code: 1, error }),
    );
  }

  /** Of the lease that it holds or has held; undefined while it has never led. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  get alive(): boolean {
    return !this.#life.over;
  }

  /** kill -9. */
  kill(): void {
    this.#over({ code: undefined });
  }

  /** SIGTERM; resolves when it has ended. Time has to pass for it. */
  async stop(): Promise<number | undefined> {
    this.#terminate.abort();
    return (await this.ended).code;
  }

  /** @returns what lets it go on. */
  pause(): () => void {
    return this.#life.pause();
  }

  /** A process that ends takes all with it that it had under way. */
  #over(end: { code: number | undefined; error?: unknown }): void {
    this.#life.end();
    this.#end.resolve(end);
  }
}
