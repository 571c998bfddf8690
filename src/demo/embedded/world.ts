// The simulated cluster as a world of stories: everything in this process, in virtual time, from one seed.

import { createEmbeddedCluster, DAEMON_USER, WEBHOOK_USER, type EmbeddedCluster } from '../../embedded/cluster.ts';
import type { EmbeddedDaemon } from '../../embedded/daemon.ts';
import type { Api } from '../../kubernetes/api.ts';
import { createApi } from '../../kubernetes/client.ts';
import { createLog } from '../../observability/log.ts';
import type { Http } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import { ADMIN, type RequestRecord } from '../../simulation/apiserver/contract.ts';
import { Tasks } from '../../simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../simulation/ecs/categories.ts';
import { EcsModel } from '../../simulation/ecs/model.ts';
import { SeededRandom } from '../../simulation/seeded-random.ts';
import { DEMO_MANAGER } from '../workload.ts';
import type { Books, World } from '../world.ts';
import { nodesOf, REGION, ZONES } from '../zones.ts';

export interface EmbeddedWorldOptions {
  seed: number;
  /** Wall-clock time at its beginning, RFC 3339. */
  start: string;
  /** Those that have nodes from the beginning. */
  zones: readonly string[];
  /** Whether people's server-side apply is to meet the product's: costs every write some time. */
  fieldOwnership: boolean;
  /** Gets every line that the product logs. */
  logLine: (text: string) => void;
}

/** As people know them from a cloud: a disk takes seconds, a snapshot tens of seconds, its upload minutes. */
const CLOUD_TIMINGS = { createDiskMs: 5_000, attachMs: 4_000, detachMs: 4_000, snapshotAvailableMs: 20_000, snapshotUploadMs: 150_000 };
/** A database of middling size: it ends in good order, and takes a while to start. */
const KUBELET_TIMINGS = { stopMs: 6_000, unmountMs: 1_000, bootMs: 4_000, readyMs: 5_000, writeMs: 1_000 };

export class EmbeddedWorld implements World {
  readonly clock: Tasks;
  readonly random: SeededRandom;
  readonly http: Http;
  readonly api: Api;
  readonly log: Log;
  readonly books: Books;
  readonly cluster: EmbeddedCluster;
  /** Rejects when a daemon ends by itself. */
  readonly daemonTrouble: Promise<never>;
  readonly #trouble = Promise.withResolvers<never>();
  #daemon: EmbeddedDaemon | undefined;

  private constructor(parts: { cluster: EmbeddedCluster; random: SeededRandom; log: Log; writes: readonly RequestRecord[] }) {
    const { simulated } = parts.cluster;
    this.cluster = parts.cluster;
    this.clock = simulated.clock;
    this.random = parts.random;
    this.log = parts.log;
    this.http = simulated.http(ADMIN);
    this.api = createApi({ http: this.http, userAgent: DEMO_MANAGER, fieldManager: DEMO_MANAGER });
    this.books = { records: simulated.records, cloud: simulated.ecs, productWritesToSets: () => Promise.resolve([...parts.writes]) };
    this.daemonTrouble = this.#trouble.promise;
    this.daemonTrouble.catch(() => undefined);
  }

  /** Lets virtual time pass by itself until the nodes are Ready; from then on somebody else has to. */
  static async create({ seed, start, zones, fieldOwnership, logLine }: EmbeddedWorldOptions): Promise<EmbeddedWorld> {
    const random = new SeededRandom(seed);
    const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003), start });
    const log = createLog({ destination: { write: logLine }, clock });
    const ecs = new EcsModel({ clock, random, region: REGION, zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })), timings: CLOUD_TIMINGS });
    const writes: RequestRecord[] = [];
    const onRequest = (record: RequestRecord): void => {
      if (isProductWriteToSet(record)) writes.push(record);
    };
    const cluster = await createEmbeddedCluster({ clock, random, ecs, nodes: zones.flatMap(nodesOf), timings: KUBELET_TIMINGS, log, onRequest, fieldOwnership });
    return new EmbeddedWorld({ cluster, random, log: log.child({ component: 'demo' }), writes });
  }

  async startProduct(): Promise<void> {
    await this.cluster.startWebhook().ready;
    this.startDaemon();
  }

  startDaemon(): void {
    const daemon = this.cluster.startDaemon();
    this.#daemon = daemon;
    void daemon.ended.then(({ code, error }) => {
      if (code !== undefined) this.#trouble.reject(new Error(`zonespread controller ended with ${code}: ${error instanceof Error ? error.message : String(error)}`));
    });
  }

  /** kill -9. */
  killDaemon(): void {
    this.#daemon?.kill();
  }

  async addNodes(zones: readonly string[]): Promise<void> {
    await Promise.all(zones.flatMap(nodesOf).map((node) => this.cluster.simulated.addNode(node)));
  }
}

const PRODUCT = new Set([DAEMON_USER.username, WEBHOOK_USER.username]);
const READS = new Set(['get', 'list', 'watch']);

function isProductWriteToSet({ user, verb, resource }: RequestRecord): boolean {
  return PRODUCT.has(user) && !READS.has(verb) && resource.startsWith('statefulsets');
}
