// The webhook as a process of a simulated cluster: the very code of `zonespread webhook`, but for the TLS listener: reviews are handed to
// it as objects.

import type { CertificateSource } from '../admission/certificate-source.ts';
import { renewed } from '../admission/certificates.ts';
import { createDesk, PATHS, type Desk, type ReviewPath } from '../admission/desk.ts';
import type { ReviewServerOptions } from '../admission/server.ts';
import { runWebhook, type RunningWebhook } from '../admission/webhook.ts';
import { createApi } from '../kubernetes/client.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { WebhookCall } from '../simulation/apiserver/contract.ts';
import type { Tasks } from '../simulation/controllers/tasks.ts';
import { Life } from './life.ts';

export interface EmbeddedWebhookOptions {
  clock: Tasks;
  random: Random;
  http: Http;
  log: Log;
  ownNamespace: string;
  controllerUser: string;
  /** Of webhookCertificates(). */
  certificates: CertificateSource;
}

/** A certificate for the embedded webhook, made once; nobody checks it. Takes real time, so it must be had before virtual time begins. */
export async function webhookCertificates(ownNamespace: string): Promise<CertificateSource> {
  const { certificate, key } = await renewed(undefined, [`zonespread-webhook.${ownNamespace}.svc`], Date.UTC(2026, 0, 1));
  return { read: () => Promise.resolve({ certificate, key, bundle: '' }) };
}

export class EmbeddedWebhook {
  readonly metrics: Metrics = createMetrics({ version: 'embedded', ofProcess: false });
  /** Resolves when it is registered for the first time. Time has to pass for it. */
  readonly ready: Promise<void>;
  readonly #life: Life;
  readonly #clock: Tasks;
  readonly #running: Promise<RunningWebhook>;
  #desk: { desk: Desk; canJudge: () => boolean } | undefined;

  constructor({ clock: time, random, http, log, ownNamespace, controllerUser, certificates }: EmbeddedWebhookOptions) {
    this.#clock = time;
    this.#life = new Life(time);
    const reached = this.#life.http(http);
    this.#running = runWebhook({
      api: createApi({ http: reached }),
      http: reached,
      clock: this.#life.clock(),
      random,
      log,
      metrics: this.metrics,
      https: { port: 0 },
      certificates: 'self',
      target: { service: { name: 'zonespread-webhook', namespace: ownNamespace } },
      register: true,
      controllerUser,
      ownNamespace,
      door: { source: certificates, open: (options) => this.#open(options) },
    });
    this.ready = this.#running.then(({ ready }) => ready);
  }

  get alive(): boolean {
    return !this.#life.over;
  }

  /** What the API server asks. @throws when the process is gone or not ready. */
  async answer({ clientConfig, review }: WebhookCall): Promise<Record<string, unknown>> {
    const path = PATHS.find((known) => known === clientConfig.service?.path);
    if (this.#desk === undefined || this.#life.over) throw new Error('connect ECONNREFUSED');
    if (path === undefined || !this.#desk.canJudge()) throw new Error(path === undefined ? 'webhook answered 404' : 'webhook answered 503');
    return this.#judged(path, review, this.#desk.desk);
  }

  /** kill -9; its configurations stay. */
  kill(): void {
    this.#life.end();
  }

  /** SIGTERM. Time has to pass for it. */
  async stop(): Promise<void> {
    await (await this.#running).close();
    this.#life.end();
  }

  pause(): () => void {
    return this.#life.pause();
  }

  async #judged(path: ReviewPath, review: unknown, desk: Desk): Promise<Record<string, unknown>> {
    // A review crosses the wire: nobody shares objects with the API server.
    const answer = JSON.stringify(desk.answer(path, structuredClone(review)));
    return JSON.parse(answer) as Record<string, unknown>;
  }

  #open(options: ReviewServerOptions): Promise<{ port: number; serve: () => void; close: () => Promise<void> }> {
    this.#desk = { desk: createDesk({ ...options, clock: this.#clock }), canJudge: options.canJudge };
    return Promise.resolve({
      port: 443,
      serve: () => {},
      close: () => {
        this.#desk = undefined;
        return Promise.resolve();
      },
    });
  }
}
