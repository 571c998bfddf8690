// A stage on which invariants are broken by hand: a cluster with nodes and nothing on them, a cloud, a record or two made as wished. Whatever
// the invariants are told of comes from the store and the cloud themselves; requests and calls of the product are told by the test.

import { createEmbeddedCluster, DAEMON_USER, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import { Coverage } from '../../src/histories/coverage.ts';
import { Trace } from '../../src/histories/trace.ts';
import { NAMESPACE, type HistoryWorld, type Invariant, type InvariantOf } from '../../src/histories/world.ts';
import { claims, namespaces, volumes, type PersistentVolume } from '../../src/kubernetes/objects.ts';
import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../../src/kubernetes/names.ts';
import { MIGRATION_API_VERSION, ordinalMigrations, type ClaimRecord, type OrdinalMigration, type OrdinalMigrationSpec, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import type { EcsAction, EcsParameters } from '../../src/ports/ecs-call.ts';
import { ADMIN, type Client, type RequestRecord } from '../../src/simulation/apiserver/contract.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { FakeLog } from '../fakes/log.ts';

export const CLAIM = 'data-web-1';
const ZONES = ['cn-test-a', 'cn-test-b'];
const REGION = 'cn-test';

/** A claim on its disk. */
export interface Held {
  pv: string;
  diskId: string;
  claimUID: string;
}

export class InvariantStage {
  readonly world: HistoryWorld;
  readonly embedded: EmbeddedCluster;
  readonly admin: Client;
  readonly #daemon: Client;

  private constructor(embedded: EmbeddedCluster) {
    const { simulated } = embedded;
    this.embedded = embedded;
    this.admin = simulated.client(ADMIN);
    this.#daemon = simulated.client(DAEMON_USER);
    this.world = {
      plan: { seed: 1, product: { daemons: 1, clockRates: [1], atOnce: 2, sweep: '*/5 * * * *', stepTimeoutMs: 60_000, coolDownMs: 0 } },
      embedded,
      simulated,
      random: new SeededRandom(3),
      trace: new Trace(simulated.clock),
      coverage: new Coverage(),
      clusterUID: simulated.server.read(namespaces, { name: 'kube-system' })?.metadata.uid ?? '',
      daemons: [],
      troubled: true,
      excuses: new Set<string>(),
      setPlan: () => undefined,
      startDaemon: () => embedded.startDaemon(),
    } as unknown as HistoryWorld;
  }

  static async begin(): Promise<InvariantStage> {
    const random = new SeededRandom(1);
    const clock = new Tasks({ random: new SeededRandom(2), start: '2026-11-20T10:00:00.000Z' });
    const ecs = new EcsModel({ clock, random, region: REGION, zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })), timings: { createDiskMs: 0, attachMs: 100, detachMs: 100, snapshotAvailableMs: 0, snapshotUploadMs: 20_000 } });
    const nodes = ZONES.map((zone) => ({ name: `node-${zone.at(-1) ?? ''}1`, zone }));
    const stage = new InvariantStage(await createEmbeddedCluster({ clock, random, ecs, nodes, log: new FakeLog() }));
    await stage.do(stage.admin.create(namespaces, { metadata: { name: NAMESPACE } }));
    return stage;
  }

  get ecs(): EcsModel {
    return this.world.simulated.ecs;
  }

  /** Holds it from now on. What is wrong is in `wrong`, in order. */
  hold(invariantOf: InvariantOf): { invariant: Invariant; wrong: string[] } {
    const invariant = invariantOf(this.world);
    const wrong: string[] = [];
    const note = (found: string | undefined): void => void (found === undefined ? undefined : wrong.push(found));
    this.world.simulated.server.follow(undefined, (event) => note(invariant.onStore?.(event)));
    this.ecs.follow((entry) => note(invariant.onCloud?.(entry)));
    return { invariant, wrong };
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.world.simulated.settle(work);
  }

  pass(ms: number): Promise<void> {
    return this.world.simulated.pass(ms);
  }

  call(action: EcsAction, parameters: EcsParameters): Promise<Record<string, unknown>> {
    return this.do(this.ecs.call(action, { ...(action === 'CreateDisk' ? { RegionId: REGION } : {}), ...parameters }));
  }

  /** Never attached, in zone a. */
  disk(tags: Record<string, string> = {}): string {
    return this.ecs.addDisk({ zone: 'cn-test-a', tags });
  }

  async attach(DiskId: string): Promise<void> {
    await this.call('AttachDisk', { DiskId, InstanceId: `i-node-${this.ecs.disk(DiskId)?.zone.at(-1) ?? ''}1` });
    await this.pass(200);
    this.ecs.disks();
  }

  async detach(DiskId: string): Promise<void> {
    await this.call('DetachDisk', { DiskId, InstanceId: this.ecs.disk(DiskId)?.attachments[0]?.instanceId });
    await this.pass(200);
    this.ecs.disks();
  }

  async snapshot(DiskId: string): Promise<string> {
    return String((await this.call('CreateSnapshot', { DiskId }))['SnapshotId']);
  }

  /** In zone b. `ours`: made for that record, as we make them. */
  async diskFrom(SnapshotId: string, ours?: OrdinalMigration): Promise<string> {
    const Tag = ours === undefined ? {} : { Tag: this.tags(ours, 'target') };
    return String((await this.call('CreateDisk', { SnapshotId, ZoneId: 'cn-test-b', DiskCategory: 'cloud_essd', Size: 40, ...Tag }))['DiskId']);
  }

  /** A disk with something on it, detached; a snapshot of that; a disk made from it. */
  async moved(): Promise<{ old: string; snapshot: string; successor: string }> {
    const old = this.disk();
    await this.attach(old);
    this.ecs.guestWrite('i-node-a1', old, 'shop/web-1', 'first');
    await this.detach(old);
    const snapshot = await this.snapshot(old);
    return { old, snapshot, successor: await this.diskFrom(snapshot) };
  }

  tags(record: OrdinalMigration, role: string): { Key: string; Value: string }[] {
    return Object.entries({ [MIGRATION_LABEL]: record.metadata.uid ?? '', [CLUSTER_TAG]: this.world.clusterUID, [ROLE_LABEL]: role }).map(([Key, Value]) => ({ Key, Value }));
  }

  /** A PV for the disk, pre-bound to the claim. */
  async volume(diskId: string, { name = diskId, policy = 'Retain', labels = {} }: { name?: string; policy?: 'Retain' | 'Delete'; labels?: Record<string, string> } = {}): Promise<PersistentVolume> {
    return this.do(
      this.admin.create(volumes, {
        metadata: { name, labels },
        spec: {
          capacity: { storage: '40Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: policy,
          storageClassName: 'by-hand',
          claimRef: { namespace: NAMESPACE, name: CLAIM },
          csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: diskId },
        },
      }),
    );
  }

  /** The claim, Bound to the disk's PV. */
  async claimOn(diskId: string, options: Parameters<InvariantStage['volume']>[1] = {}): Promise<Held> {
    const pv = (await this.volume(diskId, options)).metadata.name;
    const { metadata } = await this.do(this.admin.create(claims, { metadata: { name: CLAIM, namespace: NAMESPACE }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'by-hand', volumeName: pv, resources: { requests: { storage: '40Gi' } } } }));
    await this.world.simulated.run(() => this.world.simulated.server.read(claims, { namespace: NAMESPACE, name: CLAIM })?.status?.phase === 'Bound');
    return { pv, diskId, claimUID: metadata.uid ?? '' };
  }

  async labelClaim(labels: Record<string, string>): Promise<void> {
    await this.do(this.admin.mergePatch(claims, { namespace: NAMESPACE, name: CLAIM }, { metadata: { labels } }));
  }

  async dropClaim(): Promise<void> {
    await this.do(this.admin.delete(claims, { namespace: NAMESPACE, name: CLAIM }));
    await this.world.simulated.run(() => this.world.simulated.server.read(claims, { namespace: NAMESPACE, name: CLAIM }) === undefined);
  }

  /** Deleted, and held by somebody's finalizer. */
  async condemnClaim(): Promise<void> {
    await this.do(this.admin.mergePatch(claims, { namespace: NAMESPACE, name: CLAIM }, { metadata: { finalizers: ['example.com/held'] } }));
    await this.do(this.admin.delete(claims, { namespace: NAMESPACE, name: CLAIM }));
  }

  /** The finalizer goes, and the claim with it. */
  async releaseClaim(): Promise<void> {
    await this.do(this.admin.mergePatch(claims, { namespace: NAMESPACE, name: CLAIM }, { metadata: { finalizers: null } }));
  }

  /** A record of web-1, as a daemon has left it. */
  async record(status: OrdinalMigrationStatus, { name = 'web-1-bcdfg', ...spec }: Partial<OrdinalMigrationSpec> & { name?: string } = {}): Promise<OrdinalMigration> {
    const made = await this.do(
      this.#daemon.create(ordinalMigrations, {
        apiVersion: MIGRATION_API_VERSION,
        kind: ordinalMigrations.kind,
        metadata: { name, namespace: NAMESPACE },
        spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 1, targetZone: 'cn-test-b', ...spec },
      }),
    );
    return this.change(made, status);
  }

  async change({ metadata: { name } }: OrdinalMigration, status: OrdinalMigrationStatus): Promise<OrdinalMigration> {
    return this.do(this.#daemon.mergePatch(ordinalMigrations, { namespace: NAMESPACE, name }, { status }, { subresource: 'status' }));
  }

  /** As one of our daemons asks for something that is granted. */
  request(verb: string, resource: string, name: string, version = this.world.simulated.server.version): RequestRecord {
    return { user: DAEMON_USER.username, verb, resource, namespace: NAMESPACE, name, dryRun: false, code: 200, reason: '', version };
  }
}

/** The one claim of a record. */
export function part({ source, ...slots }: Partial<Omit<ClaimRecord, 'source'>> & { source?: Partial<ClaimRecord['source']> }): ClaimRecord {
  return {
    template: 'data',
    claimName: CLAIM,
    sizeGiB: 40,
    manifest: { labels: {}, annotations: {}, spec: {} },
    source: { pv: 'pv-old', pvUID: 'uid-of-pv-old', claimUID: 'uid-of-claim', diskId: 'd-old', zone: 'cn-test-a', category: 'cloud_essd', reclaimPolicy: 'Retain', ...source },
    ...slots,
  };
}
