// A scene for the daemon's decisions: sets at rest in an API server in memory, their disks in the ECS model behind the real adapter, the
// watch caches that follow, and the daemon's work on sets and moves on top. No controllers: a test moves pods and disks itself.

import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import { liveCluster, type View } from '../../src/controller/cluster.ts';
import type { Budgets } from '../../src/controller/budget.ts';
import type { DecisionPorts } from '../../src/controller/decision.ts';
import { createHealthGate } from '../../src/controller/health.ts';
import { createMarkets } from '../../src/controller/markets.ts';
import { createMoves, type Moves } from '../../src/controller/moves.ts';
import { createSets, type Sets } from '../../src/controller/sets.ts';
import { spreadReports, type SpreadReport } from '../../src/controller/spread-report.ts';
import { zoneEvacuations, type ZoneEvacuation } from '../../src/controller/zone-evacuation.ts';
import { createEvacuations, type Evacuations } from '../../src/controller/evacuation-progress.ts';
import { refOf } from '../../src/controller/wake.ts';
import { annotatedSets, watchedCluster, type Watches } from '../../src/controller/watches.ts';
import type { EventContent, EventRecorder } from '../../src/kubernetes/event-recorder.ts';
import {
  claims,
  csiNodes,
  disruptionBudgets,
  kruiseStatefulSets,
  mutatingWebhooks,
  namespaces,
  nodes,
  pods,
  statefulSets,
  storageClasses,
  volumeAttachments,
  volumes,
  type KubernetesObject,
  type StatefulSet,
} from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration, type OrdinalMigrationSpec, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import type { MigrationNote, MigrationPorts } from '../../src/migration/step.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import type { Disks } from '../../src/ports/disks.ts';
import type { Prometheus } from '../../src/ports/prometheus.ts';
import type { EcsAction } from '../../src/ports/ecs-call.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { spreadSet, type SpreadSetOptions } from '../builders/spread-set.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';
import { createFakeReflector, type FakeReflector } from '../fakes/reflector.ts';

export const ZONES = ['a', 'b', 'c'];

export interface SceneOptions {
  budgets?: Budgets;
  dryRun?: boolean;
  /** `--namespaces`. */
  namespaces?: string[];
  kruise?: boolean;
  coolDownMs?: number;
  prometheus?: Prometheus;
}

/** Events as they were recorded, repetitions included. */
export class RecordedEvents implements EventRecorder {
  readonly all: (EventContent & { on: string })[] = [];

  record(object: KubernetesObject, content: EventContent): void {
    this.all.push({ on: object.metadata.name, ...content });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  of(reason: string): string[] {
    return this.all.filter((event) => event.reason === reason).map(({ message }) => message);
  }
}

export class Scene {
  readonly clock = new FakeClock('2026-11-20T00:00:00.000Z');
  readonly random = new SeededRandom(5);
  readonly api: FakeApi;
  readonly ecs: EcsModel;
  readonly disks: Disks;
  readonly log = new FakeLog();
  readonly metrics: Metrics = createMetrics({ version: 'test' });
  readonly events = new RecordedEvents();
  readonly notes: MigrationNote[] = [];
  readonly cloudCalls: EcsAction[] = [];
  readonly watches: { [Kind in keyof Watches]-?: NonNullable<Watches[Kind]> extends { list(): (infer T extends KubernetesObject)[] } ? FakeReflector<T> : never };
  readonly ports: MigrationPorts;
  readonly deciding: DecisionPorts;
  readonly watched: View;
  readonly sets: Sets;
  readonly evacuations: Evacuations;
  readonly moves: Moves;

  constructor({ budgets = { atOnce: 2 }, dryRun = false, namespaces: own, kruise = false, coolDownMs = 3_600_000, prometheus }: SceneOptions = {}) {
    const { clock, random, log } = this;
    this.api = new FakeApi({ clock, random });
    this.ecs = new EcsModel({ clock, random, region: 'cn-test', zones: ZONES.map((id) => ({ id, onSale: [{ category: 'cloud_essd' }] })), instances: ZONES.map((zone) => ({ id: `i-${zone}`, zone })) });
    const call = {
      call: (action: EcsAction, parameters: Record<string, unknown>) => {
        this.cloudCalls.push(action);
        return this.ecs.call(action, parameters);
      },
    };
    this.disks = createAlicloudDisks({ call, clock, region: 'cn-test' });
    this.api.put(mutatingWebhooks, { metadata: { name: 'zonespread' } });
    this.api.put(namespaces, { metadata: { name: NAMESPACE } });
    const watch = <T extends KubernetesObject>(resource: Parameters<typeof createFakeReflector<T>>[1]): FakeReflector<T> => {
      const reflector = createFakeReflector<T>(this.api, resource);
      reflector.start();
      return reflector;
    };
    this.watches = {
      sets: watch(statefulSets),
      pods: watch(pods),
      claims: watch(claims),
      volumes: watch(volumes),
      attachments: watch(volumeAttachments),
      nodes: watch(nodes),
      csiNodes: watch(csiNodes),
      storageClasses: watch(storageClasses),
      budgets: watch(disruptionBudgets),
      namespaces: watch(namespaces),
      migrations: watch(ordinalMigrations),
      reports: watch(spreadReports),
      evacuations: watch(zoneEvacuations),
      kruiseSets: watch(kruiseStatefulSets),
    };
    this.ports = { api: this.api, disks: this.disks, clock, random, clusterUID: 'uid-kube-system', epoch: 1, stepTimeoutMs: 600_000, reserving: { on: true, image: 'pause', prepull: false }, report: (_record, note) => void this.notes.push(note) };
    const live: View = { cluster: liveCluster(this.api, { namespaces: own, kruise }), disks: this.disks, snapshots: true };
    this.watched = { cluster: watchedCluster(this.watches), disks: this.disks, snapshots: false };
    this.deciding = { api: this.api, live, watched: this.watched, clock, markets: createMarkets({ disks: this.disks, clock, log }), health: createHealthGate({ prometheus, clock }), budgets, coolDownMs, nodesMayCome: false };
    this.evacuations = createEvacuations({
      api: this.api,
      clock,
      evacuation: (name) => this.watches.evacuations.get(undefined, name),
      annotated: () => annotatedSets(this.watches as unknown as Watches).map(refOf),
      migrations: () => this.watches.migrations.list(),
    });
    this.sets = createSets({ ...this.deciding, api: this.api, random, events: this.events, metrics: this.metrics, reportOf: ({ namespace, name }) => this.watches.reports.get(namespace, name), dryRun, onDecision: (key, decision) => this.evacuations.note(key, decision) });
    this.moves = createMoves(this.ports, this.deciding);
  }

  /** A set at rest, its disks known to the cloud. Annotations without the prefix. */
  addSet(options: SpreadSetOptions, { annotations = { zones: 'a,b,c' }, kruise = false }: { annotations?: Record<string, string>; kruise?: boolean } = {}): StatefulSet {
    const prefixed = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`zonespread.io/${key}`, value]));
    const inputs = spreadSet({ ...options, annotations: prefixed });
    const set = this.api.put(kruise ? kruiseStatefulSets : statefulSets, inputs.set);
    for (const object of inputs.pods) this.api.put(pods, object);
    for (const object of inputs.claims) this.api.put(claims, object);
    for (const object of inputs.volumes) this.api.put(volumes, object);
    for (const object of inputs.nodes) this.api.put(nodes, object);
    for (const object of inputs.csiNodes) this.api.put(csiNodes, object);
    for (const object of inputs.storageClasses) this.api.put(storageClasses, object);
    for (const disk of inputs.disks.values()) this.ecs.addDisk({ id: disk.id, zone: disk.zone, category: 'cloud_essd', sizeGiB: disk.sizeGiB, attachedAt: this.clock.now() - 3_600_000 });
    return set;
  }

  annotate(set: string, annotations: Record<string, string | undefined>): void {
    this.api.change(statefulSets, { namespace: NAMESPACE, name: set }, (object) => {
      const all = { ...object.metadata.annotations, ...Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`zonespread.io/${key}`, value])) };
      object.metadata.annotations = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
    });
  }

  evacuate(zone: string, reason?: string): ZoneEvacuation {
    return this.api.put(zoneEvacuations, { metadata: { name: `leave-${zone}`, generation: 1 }, spec: { zone, ...(reason === undefined ? {} : { reason }) } });
  }

  work(name = 'web'): Promise<{ afterMs: number } | undefined> {
    return this.sets.work({ namespace: NAMESPACE, name });
  }

  look(name: string): Promise<{ afterMs: number } | undefined> {
    return this.moves.work({ namespace: NAMESPACE, name });
  }

  report(name = 'web'): SpreadReport | undefined {
    return this.api.read(spreadReports, { namespace: NAMESPACE, name });
  }

  status(name = 'web'): NonNullable<SpreadReport['status']> {
    return this.report(name)?.status ?? {};
  }

  records(): OrdinalMigration[] {
    return this.api.readAll(ordinalMigrations);
  }

  record(name: string): OrdinalMigration {
    const record = this.api.read(ordinalMigrations, { namespace: NAMESPACE, name });
    if (record === undefined) throw new Error(`there is no record ${name}`);
    return record;
  }

  /** A record as it is stored, with any status. */
  addRecord(name: string, { spec = {}, status, ...rest }: { spec?: Partial<OrdinalMigrationSpec>; status?: OrdinalMigrationStatus; metadata?: Partial<OrdinalMigration['metadata']> } = {}): OrdinalMigration {
    return this.api.put(ordinalMigrations, {
      metadata: { namespace: NAMESPACE, name, ...rest.metadata },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 0, targetZone: 'b', reason: 'Manual', ...spec },
      ...(status === undefined ? {} : { status }),
    });
  }

  /** The records' moves have ended well: disks and pods are there. The rest of the world is not touched. */
  finish(record: OrdinalMigration): void {
    const now = new Date(this.clock.now()).toISOString();
    const claimName = `data-${record.spec.statefulSetRef.name}-${record.spec.ordinal}`;
    const diskId = this.ecs.addDisk({ zone: record.spec.targetZone, category: 'cloud_essd', sizeGiB: 20, attachedAt: this.clock.now() });
    this.api.change(volumes, { name: `disk-${claimName}` }, (volume) => {
      volume.spec.csi!.volumeHandle = diskId;
      volume.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values = [record.spec.targetZone];
    });
    this.api.change(ordinalMigrations, { namespace: NAMESPACE, name: record.metadata.name }, (object) => {
      object.status = { ...object.status, phase: 'Succeeded', startedAt: now, finishedAt: now };
    });
  }

  /** Writes other than those on the named kinds. */
  writesBut(...kinds: string[]): string[] {
    return this.api.writes.filter(({ resource }) => !kinds.includes(resource.kind)).map(({ verb, resource, ref }) => `${verb} ${resource.kind} ${ref.name}`);
  }
}
