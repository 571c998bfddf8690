// Watches the demo's namespace: every state that its pods, its set and its moves were in, the picture of this moment, and the waiting
// for what is to come.

import { spreadReports, type SpreadReport } from '../controller/spread-report.ts';
import { claims, pods, statefulSets, volumes, type KubernetesObject, type Pod, type Resource, type StatefulSet } from '../kubernetes/objects.ts';
import { createReflector, type Reflector } from '../kubernetes/reflector.ts';
import { ended, ordinalMigrations, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import type { Version } from './evidence.ts';
import { isSpread, pictureOf, type Picture } from './picture.ts';
import type { World } from './world.ts';
import { NAMESPACE, REPLICAS, SET, TEMPLATE } from './workload.ts';

export interface OnlookerOptions {
  world: Pick<World, 'clock' | 'random' | 'http' | 'log'>;
  /** Shown, whether the set may use them or not. */
  zones: readonly string[];
  /** Even when nothing changes: what is shown has times in it. */
  lookEveryMs: number;
  /** A wait in which nothing at all changes for that long has failed. */
  patienceMs: number;
  /** Ends every wait. */
  signal: AbortSignal;
}

export interface WaitOptions {
  look?: () => void;
  /** In place of the onlooker's own. */
  patienceMs?: number;
}

/** Given as the reason: an abort without one makes an error with its stack, each time. */
const OVER = 'over';

/** What was awaited did not come. */
export class NothingMoves extends Error {
  constructor(what: string, patienceMs: number, said: readonly string[]) {
    super([`Waiting until ${what}: nothing has changed for ${patienceMs / 1000} s.`, ...said].join('\n'));
    this.name = 'NothingMoves';
  }
}

export class Onlooker {
  readonly seen: { pods: Version<Pod>[]; moves: Version<OrdinalMigration>[]; sets: Version<StatefulSet>[] } = { pods: [], moves: [], sets: [] };
  readonly #options: OnlookerOptions;
  readonly #pods: Reflector<Pod>;
  readonly #claims;
  readonly #volumes;
  readonly #moves: Reflector<OrdinalMigration>;
  readonly #sets: Reflector<StatefulSet>;
  readonly #reports: Reflector<SpreadReport>;
  /** Of the wait under way: aborted by news. */
  #nap = new AbortController();
  #lastNews: number;
  #planned: number | undefined;

  constructor(options: OnlookerOptions) {
    this.#options = options;
    this.#lastNews = options.world.clock.monotonic();
    options.signal.addEventListener('abort', () => this.#nap.abort(OVER), { once: true });
    this.#pods = this.#watch(pods, this.seen.pods);
    this.#claims = this.#watch(claims);
    this.#volumes = this.#watch(volumes);
    this.#moves = this.#watch(ordinalMigrations, this.seen.moves);
    this.#sets = this.#watch(statefulSets, this.seen.sets);
    this.#reports = this.#watch(spreadReports);
    this.#reports.onChange(({ object }) => {
      const total = object.status?.plan?.total ?? 0;
      if (total > 0) this.#planned ??= total;
    });
  }

  async start(): Promise<void> {
    for (const reflector of this.#all()) reflector.start();
    await Promise.all(this.#all().map(({ synced }) => synced));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.stop()));
  }

  picture(): Picture {
    const status = this.report()?.status;
    const [hold] = status?.satisfied === true ? [] : (status?.blocked ?? []);
    return pictureOf({
      namespace: NAMESPACE,
      set: SET,
      replicas: this.set()?.spec.replicas ?? REPLICAS,
      template: TEMPLATE,
      zones: this.#options.zones,
      pods: this.#pods.list(),
      claims: this.#claims.list(),
      volumes: this.#volumes.list(),
      moves: this.moves(),
      planned: this.#planned,
      held: hold === undefined ? undefined : `${hold.reason}: ${hold.message}`,
    });
  }

  /** In the order in which they began. */
  moves(): OrdinalMigration[] {
    return this.#moves.list().toSorted((left, right) => orderOf(left).localeCompare(orderOf(right)));
  }

  report(): SpreadReport | undefined {
    return this.#reports.get(NAMESPACE, SET);
  }

  /** Every disk is in one of these zones, evenly, nothing is under way, and the report knows it: what has moved has left its old disk there. */
  isSettled(declared: readonly string[]): boolean {
    const status = this.report()?.status;
    const [records, picture] = [this.moves(), this.picture()];
    const moved = records.filter((record) => phaseOf(record) === 'Succeeded');
    const quiet = records.every(ended) && picture.ordinals.every(({ ready }) => ready);
    return quiet && status?.satisfied === true && isSpread(picture, declared) && status.retained?.length === moved.length;
  }

  set(): StatefulSet | undefined {
    return this.#sets.get(NAMESPACE, SET);
  }

  /** Disk that each claim is bound to. */
  disks(): Map<string, string> {
    return new Map(
      this.#claims.list().flatMap((claim) => {
        const volume = this.#volumes.get(undefined, claim.spec.volumeName ?? '');
        const diskId = volume?.spec.claimRef?.uid === claim.metadata.uid ? volume?.spec.csi?.volumeHandle : undefined;
        return diskId === undefined ? [] : [[claim.metadata.name, diskId] as const];
      }),
    );
  }

  /** The largest revision of the store that was seen of a pod. */
  podRevision(): number {
    return Math.max(0, ...this.seen.pods.map(({ revision }) => revision));
  }

  /** Resolves once the condition holds; `look` is called every now and then and after every change. @throws NothingMoves, or the signal's reason */
  async until(what: string, condition: () => boolean, { look = () => undefined, patienceMs = this.#options.patienceMs }: WaitOptions = {}): Promise<void> {
    const { signal, lookEveryMs, world } = this.#options;
    const { clock } = world;
    this.#lastNews = clock.monotonic();
    for (;;) {
      signal.throwIfAborted();
      this.#nap = new AbortController();
      look();
      if (condition()) return;
      if (clock.monotonic() - this.#lastNews > patienceMs) throw new NothingMoves(what, patienceMs, this.#whatHolds());
      await clock.sleep(lookEveryMs, this.#nap.signal);
    }
  }

  /** In the words of the report and of the records. */
  #whatHolds(): string[] {
    const status = this.report()?.status;
    const blocked = (status?.blocked ?? []).map(({ ordinals, reason, message }) => `Blocked${ordinals === '' ? '' : ` (${ordinals})`}: ${reason}: ${message}`);
    const waiting = this.moves().flatMap(({ metadata, status: { reason, message = '' } = {} }) => (reason === undefined ? [] : [`${metadata.name}: ${reason}: ${message}`]));
    return status === undefined ? ['There is no SpreadReport of the set.', ...waiting] : [...blocked, ...waiting];
  }

  #watch<T extends KubernetesObject>(resource: Resource<T>, versions?: Version<T>[]): Reflector<T> {
    const { http, log, clock, random } = this.#options.world;
    const reflector = createReflector<T>({ http, log, clock, random, resource, namespaces: [NAMESPACE], userAgent: 'zonespread-demo' });
    reflector.onChange(({ type, object }) => {
      versions?.push({ deleted: type === 'deleted', object, revision: Number(object.metadata.resourceVersion) });
      this.#lastNews = clock.monotonic();
      this.#nap.abort(OVER);
    });
    return reflector;
  }

  #all(): Reflector<KubernetesObject>[] {
    return [this.#pods, this.#claims, this.#volumes, this.#moves, this.#sets, this.#reports];
  }
}

function orderOf({ metadata, status }: OrdinalMigration): string {
  return `${status?.startedAt ?? '~'} ${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}
