// What the rules may know without asking: watched caches of the records, the namespaces that are being deleted, of each StatefulSet what
// a Scale or a record does not show, and, for warnings only, nodes' zones and disruption budgets. Each holds as little as it can.

import {
  disruptionBudgets,
  namespaces,
  nodes,
  statefulSets,
  type KubernetesObject,
  type Namespace,
  type Node,
  type ObjectMeta,
  type PodDisruptionBudget,
  type Resource,
  type StatefulSet,
} from '../kubernetes/objects.ts';
import { OVERRIDE_ANNOTATION } from '../kubernetes/names.ts';
import { createReflector, type Reflector } from '../kubernetes/reflector.ts';
import { zoneOfNode, ZONE_KEYS } from '../layout/zones.ts';
import { inFlight, ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { InFlightIndex } from './index.ts';
import { replicasOf, startOf } from './rules/ordinals.ts';
import type { World } from './rules/rule.ts';

export interface CachesOptions {
  http: Http;
  clock: Clock;
  random: Random;
  log: Log;
  /** Empty: all. */
  namespaces: readonly string[];
}

export interface Caches extends Pick<World, 'inFlight' | 'namespaces' | 'sets' | 'zones' | 'budgets'> {
  start(): void;
  stop(): Promise<void>;
  /** True once all that refusals rest on has been listed; false when it was stopped before. What only warnings need is not waited for. */
  readonly synced: Promise<boolean>;
  readonly hasSynced: boolean;
}

export function createCaches(options: CachesOptions): Caches {
  const reflect = <T extends KubernetesObject>(resource: Resource<T>, trim: (object: T) => T): Reflector<T> =>
    createReflector({ ...options, resource, trim, namespaces: options.namespaces.length === 0 ? undefined : options.namespaces, userAgent: 'zonespread-webhook' });
  const records = reflect(ordinalMigrations, trimRecord);
  const spaces = reflect(namespaces, trimNamespace);
  const sets = reflect(statefulSets, trimSet);
  const machines = reflect(nodes, trimNode);
  const budgets = reflect(disruptionBudgets, trimBudget);
  const needed: Pick<Reflector<KubernetesObject>, 'start' | 'stop' | 'synced' | 'hasSynced'>[] = [records, spaces, sets];
  const reflectors: Pick<Reflector<KubernetesObject>, 'start' | 'stop'>[] = [...needed, machines, budgets];

  const index = new InFlightIndex();
  records.onChange(({ type, object }) => {
    if (type === 'deleted') index.remove(object.metadata.namespace ?? '', object.metadata.name);
    else index.put(object);
  });

  return {
    inFlight: index,
    namespaces: {
      get(name) {
        const known = spaces.get(undefined, name);
        return known === undefined ? undefined : { terminating: known.metadata.deletionTimestamp !== undefined };
      },
    },
    sets: {
      get(namespace, name) {
        const known = sets.get(namespace, name);
        return known === undefined ? undefined : { start: startOf(known), replicas: replicasOf(known), override: known.metadata.annotations?.[OVERRIDE_ANNOTATION] };
      },
    },
    zones: zonesOf(machines),
    budgets: { of: (namespace) => budgets.list(namespace) },
    start: () => reflectors.forEach((reflector) => reflector.start()),
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
    synced: Promise.all(needed.map(({ synced }) => synced)).then((all) => all.every(Boolean)),
    get hasSynced() {
      return needed.every(({ hasSynced }) => hasSynced);
    },
  };
}

/** Nodes are many and change all the time, their zones are few and hardly ever do. */
function zonesOf(machines: Pick<Reflector<Node>, 'hasSynced' | 'list' | 'onChange'>): World['zones'] {
  let known: ReadonlySet<string> | undefined;
  machines.onChange(({ type, object, previous }) => {
    if (type !== 'modified' || previous === undefined || zoneOfNode(object) !== zoneOfNode(previous)) known = undefined;
  });
  return {
    known() {
      // Half a list would make zones look empty that are not.
      if (!machines.hasSynced) return new Set();
      known ??= new Set(machines.list().flatMap((node) => zoneOfNode(node) ?? []));
      return known;
    },
  };
}

/** Of an ended record that there is one and whether it keeps something; of one in flight all that steering and refusals look at. */
function trimRecord(record: OrdinalMigration): OrdinalMigration {
  const { managedFields: _who, ...metadata } = record.metadata;
  const { history: _past, conditions: _conditions, ...status } = record.status ?? {};
  return inFlight(record) ? { ...record, metadata, status } : { metadata: { ...identityOf(metadata), finalizers: metadata.finalizers ?? [] }, spec: record.spec, status: status.phase === undefined ? {} : { phase: status.phase } };
}

function trimNamespace({ metadata }: Namespace): Namespace {
  return { metadata: { ...identityOf(metadata), ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }) } };
}

function trimSet({ metadata, spec }: StatefulSet): StatefulSet {
  const override = metadata.annotations?.[OVERRIDE_ANNOTATION];
  return {
    metadata: { ...identityOf(metadata), ...(override === undefined ? {} : { annotations: { [OVERRIDE_ANNOTATION]: override } }) },
    spec: { selector: {}, template: { spec: {} }, replicas: replicasOf({ spec }), ...(spec.ordinals === undefined ? {} : { ordinals: spec.ordinals }) },
  };
}

function trimNode({ metadata }: Node): Node {
  const labels = Object.fromEntries(ZONE_KEYS.flatMap((key) => (metadata.labels?.[key] === undefined ? [] : [[key, metadata.labels[key]]])));
  return { metadata: { ...identityOf(metadata), labels }, spec: {} };
}

function trimBudget({ metadata, spec }: PodDisruptionBudget): PodDisruptionBudget {
  return { metadata: identityOf(metadata), spec };
}

function identityOf({ name, namespace, uid, resourceVersion }: ObjectMeta): ObjectMeta {
  return { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}
