// A Deployment of two webhook replicas behind a Service, as the kubelet and the controllers would run it: processes of this machine, probed
// at /readyz, each in an EndpointSlice of its own; a rollout starts one more, waits until it is ready, and ends an old one. The API server
// finds them by itself (--enable-aggregator-routing), so their address must be one that EndpointSlices may name: not the loopback.

import { get } from 'node:https';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePorts, giveBack } from '../controlplane/ports.ts';
import { obituary, startProgram, type Program } from '../controlplane/program.ts';
import type { ControlPlane } from '../controlplane/start.ts';
import type { ReplicaSettings } from './replica.ts';

const REPLICA = new URL('replica.ts', import.meta.url).pathname;
const SERVICE = 'zonespread-webhook';
const WAIT = { timeout: 30_000, interval: 100 };
/** interface.md: 10 s from SIGTERM to the end. */
const GRACE_MS = 10_000;
/** What passes in a cluster from the deletion of a pod until API servers no longer see it as an endpoint. */
const ENDPOINT_LAG_MS = 500;

/** Undefined on a machine that has no address but the loopback. */
export function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && address.family === 'IPv4' && !address.internal)?.address;
}

interface Pod {
  name: string;
  port: number;
  program: Program;
}

export class WebhookDeployment {
  readonly #plane: ControlPlane;
  readonly #address: string;
  readonly #settings: Omit<ReplicaSettings, 'https' | 'target'>;
  readonly #pods: Pod[] = [];
  #made = 0;

  constructor(plane: ControlPlane, address: string, settings: Omit<ReplicaSettings, 'https' | 'target'>) {
    this.#plane = plane;
    this.#address = address;
    this.#settings = settings;
  }

  async start(replicas: number): Promise<void> {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: SERVICE, namespace: this.#settings.ownNamespace }, spec: { ports: [{ name: 'https', port: 443 }] } };
    await this.#plane.kubectl(['create', '-f', '-'], JSON.stringify(service));
    for (let index = 0; index < replicas; index++) await this.#add();
  }

  /** One of them is replaced. */
  async roll(): Promise<void> {
    await this.#add();
    await this.#end(this.#pods.shift()!);
  }

  /** Without the ceremony: nobody asks any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#pods.splice(0).map((pod) => this.#kill(pod)));
  }

  get logs(): string[] {
    return Array.from({ length: this.#made }, (_, index) => this.#logOf(index + 1));
  }

  async #add(): Promise<void> {
    this.#made += 1;
    const name = `${SERVICE}-${this.#made}`;
    const [port = 0] = await freePorts(1);
    const settings: ReplicaSettings = { ...this.#settings, https: { host: this.#address, port }, target: { service: { name: SERVICE, namespace: this.#settings.ownNamespace } } };
    const program = await startProgram({ name, command: [process.execPath, REPLICA], logFile: this.#logOf(this.#made), environment: { REPLICA: JSON.stringify(settings) } });
    const pod = { name, port, program };
    this.#pods.push(pod);
    await vi.waitUntil(async () => {
      if (program.ending !== undefined) throw new Error(obituary(program));
      return this.#isReady(pod);
    }, WAIT);
    await this.#setEndpoint(pod, true);
  }

  /** SIGTERM and the end of the endpoint come at the same time, and the news of the latter take theirs. */
  async #end(pod: Pod): Promise<void> {
    const ended = pod.program.stop({ graceMs: GRACE_MS });
    await new Promise((resolve) => {
      setTimeout(resolve, ENDPOINT_LAG_MS);
    });
    await this.#setEndpoint(pod, false);
    await ended;
    giveBack([pod.port]);
    if (pod.program.ending?.code !== 0) throw new Error(obituary(pod.program));
  }

  async #kill(pod: Pod): Promise<void> {
    await pod.program.stop({ signal: 'SIGKILL' });
    giveBack([pod.port]);
  }

  async #setEndpoint({ name, port }: Pod, ready: boolean): Promise<void> {
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: this.#settings.ownNamespace, labels: { 'kubernetes.io/service-name': SERVICE } },
      addressType: 'IPv4',
      ports: [{ name: 'https', port, protocol: 'TCP' }],
      endpoints: [{ addresses: [this.#address], conditions: { ready, serving: ready, terminating: !ready } }],
    };
    await this.#plane.kubectl(['apply', '-f', '-'], JSON.stringify(slice));
  }

  #isReady({ port }: Pod): Promise<boolean> {
    return new Promise((resolve) => {
      // A kubelet does not look at the certificate either.
      const probe = get({ host: this.#address, port, path: '/readyz', rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      probe.once('error', () => resolve(false));
    });
  }

  #logOf(number: number): string {
    return join(this.#plane.directory, `webhook-${number}.log`);
  }
}
