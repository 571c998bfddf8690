// What a scenario needs of the world: a cluster with nodes and a cloud, and the product's processes in it. The real one is real-world.ts
// (a real control plane, the product as child processes); scenarios touch nothing else, so that they also run on a simulated one.

import type { Api } from '../../src/kubernetes/api.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Http } from '../../src/ports/http.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Random } from '../../src/ports/random.ts';
import type { EcsModel } from '../../src/simulation/ecs/model.ts';
import type { Behaviour } from '../../src/simulation/kubelet/behaviour.ts';
import type { KubeletRecords } from '../../src/simulation/kubelet/records.ts';
import type { Write } from '../controlplane/audit.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The API server, as an administrator: for watches. */
  readonly http: Http;
  /** The same; writes under the field manager SCENARIO. */
  readonly api: Api;
  /** The simulated cloud: what its disks hold, what goes wrong, what happened. */
  readonly cloud: EcsModel;
  readonly kubelets: Kubelets;
  /** Zones that every scenario may use, each with two nodes that nobody changes. */
  readonly zones: { readonly a: string; readonly b: string; readonly c: string };
  /** Id of an automatic-snapshot policy that the cloud has. */
  readonly backupPolicy: string;
  /** On the nodes' taint; for the pods of scenarios. */
  readonly tolerations: Record<string, unknown>[];
  /** Names that the product's two processes act under. */
  readonly users: { readonly daemon: string; readonly webhook: string };
  readonly webhook: Webhook;
  /** Whether the external resizer runs: then a claim only has to ask for more. */
  readonly hasResizer?: boolean;
  /** A zone of the scenario's own, with one node. */
  addZone(): Promise<{ zone: string; node: string }>;
  /** Resolves when its /readyz says so. One for each scenario: they look after a namespace each. */
  startDaemon(options: DaemonOptions): Promise<Daemon>;
  /** From now on nobody, the PV controller included, binds a volume of that role to a claim of the namespace. @returns what ends it. */
  forbidBinding(namespace: string, role: 'source' | 'target'): Promise<() => Promise<void>>;
  /** Every write that the API server has answered; undefined where it keeps no book for us. */
  writes(): Promise<Write[] | undefined>;
  /** Called when a scenario is over; may go on in the background. */
  removeNamespaces(names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The field manager of whatever a scenario writes. */
export const SCENARIO = 'scenario';

export interface Kubelets {
  /** What pods do otherwise than usual. */
  readonly behaviour: Behaviour;
  /** What they found on their disks, and wrote. */
  readonly records: KubeletRecords;
  /** Pods that do not start, with what they wait for. */
  waiting(): { node: string; pod: string; reason: string }[];
}

export interface DaemonOptions {
  /** The one that it looks after. */
  namespace: string;
  /** Where its lease is. */
  leaseNamespace: string;
  /** In addition, or instead: `{ 'step-timeout': '5s' }`. */
  flags?: Record<string, string>;
}

/** A process of the product. */
export interface Process {
  readonly alive: boolean;
  /** For people: how it ended (exit code or signal), and the last lines that it wrote. Undefined while it runs. */
  readonly obituary: string | undefined;
  /** The signal; SIGKILL is the `kill -9` of the scenarios. Resolves when the process is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** SIGTERM. @returns the exit code; null when it had to be killed. */
  stop(): Promise<number | null>;
  /** What it wrote, newest last. */
  readonly log: readonly string[];
}

export interface Daemon extends Process {
  /** The text of /metrics. */
  metrics(): Promise<string>;
}

export interface Webhook {
  readonly alive: boolean;
  /** Starts the process unless it runs; resolves when it is ready and registered. */
  start(): Promise<void>;
  /** kill -9; its configurations stay. */
  kill(): Promise<void>;
  readonly log: readonly string[];
}
