// One process of the daemon: the product's own saga, client, disks adapter and retirement, looking at every record again and again. What
// it holds in memory goes with it.

import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import { ApiError, ApiUnreachable } from '../../src/kubernetes/api.ts';
import { isStray, removeStrayPlaceholder } from '../../src/controller/stray-placeholders.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { namespaces, pods, type Pod } from '../../src/kubernetes/objects.ts';
import { begin } from '../../src/migration/begin.ts';
import { ended, ordinalMigrations, phaseOf, type MigrationTerms, type OrdinalMigration } from '../../src/migration/record.ts';
import { retire } from '../../src/migration/retirement.ts';
import { visit, type Visit } from '../../src/migration/runner.ts';
import type { MigrationPorts } from '../../src/migration/step.ts';
import { timestamp } from '../../src/ports/clock.ts';
import { DiskError } from '../../src/ports/disks.ts';
import type { SimulatedCluster } from '../../src/simulation/cluster.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';
import { DAEMON } from '../simulation/controllers/product.ts';
import { TIMEOUT_MS } from './troubles.ts';
import type { Life, Wire } from './wire.ts';

export interface DaemonOptions {
  cluster: SimulatedCluster;
  wire: Wire;
  life: Life;
  epoch: number;
  terms: MigrationTerms;
  note: (line: string) => void;
}

/** Watches would wake it; here it looks again soon. */
const SOONEST_MS = 10;
const IN_FLIGHT_EVERY_MS = 500;
const ENDED_EVERY_MS = 10_000;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #ports: MigrationPorts;
  readonly #faults = new Map<string, number>();
  #failures = 0;

  constructor(options: DaemonOptions) {
    const { cluster, wire, life, epoch, note } = options;
    this.#options = options;
    this.#ports = {
      api: createApi({ http: wire.http(cluster.http(DAEMON), life), timeoutMs: TIMEOUT_MS }),
      disks: createAlicloudDisks({ call: wire.cloud(cluster.ecs, life), clock: cluster.clock, region: cluster.ecs.region }),
      clock: cluster.clock,
      random: new SeededRandom(1_000 + epoch),
      clusterUID: cluster.server.read(namespaces, { name: 'kube-system' })?.metadata.uid ?? '',
      epoch,
      stepTimeoutMs: 60_000,
      reserving: { on: true, image: 'pause', prepull: false },
      report: (record, { event, message }) => {
        note(`${timestamp(cluster.clock)} [${epoch}] ${record.metadata.name} ${event}: ${message}`);
      },
    };
  }

  async live(): Promise<void> {
    const { cluster, life } = this.#options;
    while (!life.over) {
      const afterMs = await this.lookAtAll();
      await cluster.clock.sleep(afterMs);
    }
  }

  /** One look at every record there is. @returns when to look again, in ms. */
  async lookAtAll(): Promise<number> {
    let soonest = ENDED_EVERY_MS;
    const { server } = this.#options.cluster;
    for (const record of server.readAll(ordinalMigrations)) soonest = Math.min(soonest, await this.#lookAt(record));
    for (const pod of server.readAll(pods)) if (isStray(pod, () => server.readAll(ordinalMigrations))) soonest = Math.min(soonest, await this.#trying(() => this.#removeStray(pod)));
    return Math.max(soonest, SOONEST_MS);
  }

  /** As the daemon's queue does it: what was refused, or not answered, is tried again after a while. Anything else is a fault of the product. */
  async #lookAt(record: OrdinalMigration): Promise<number> {
    return this.#trying(async () => {
      const next = await this.#work(record);
      if (next.kind === 'ended') return ENDED_EVERY_MS;
      return Math.min(next.afterMs, ended(record) ? ENDED_EVERY_MS : IN_FLIGHT_EVERY_MS);
    });
  }

  async #removeStray(pod: Pod): Promise<number> {
    await removeStrayPlaceholder(this.#ports.api, new FakeLog(), pod);
    return IN_FLIGHT_EVERY_MS;
  }

  /** @returns when to look again, in ms. */
  async #trying(work: () => Promise<number>): Promise<number> {
    try {
      const afterMs = await work();
      this.#failures = 0;
      return afterMs;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ApiUnreachable || error instanceof DiskError)) throw error;
      this.#failures += 1;
      const asked = error instanceof ApiUnreachable ? undefined : error.retryAfterMs;
      return asked ?? 100 * 2 ** Math.min(this.#failures, 6);
    }
  }

  async #work(record: OrdinalMigration): Promise<Visit> {
    const ref = { namespace: record.metadata.namespace ?? '', name: record.metadata.name };
    if (ended(record)) return retire(this.#ports, ref);
    if (phaseOf(record) !== 'Pending') return visit(this.#ports, ref, this.#faults);
    const begun = await begin(this.#ports, record, this.#options.terms);
    return { kind: 'again', afterMs: begun === 'waiting' ? IN_FLIGHT_EVERY_MS : 0 };
  }
}
