// The product on a simulated cluster, in one process: its saga over its own client and transport seam, its own admission rules behind the
// configurations that it registers, its disks adapter on the ECS model.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { InFlightIndex } from '../../../src/admission/index.ts';
import { judge, MUTATING, VALIDATING } from '../../../src/admission/judge.ts';
import { mutatingConfiguration, validatingConfiguration, type Registration } from '../../../src/admission/registration.ts';
import { answerOf, reviewOf } from '../../../src/admission/review.ts';
import type { World } from '../../../src/admission/rules/rule.ts';
import { createAlicloudDisks } from '../../../src/alicloud/disks.ts';
import type { Api } from '../../../src/kubernetes/api.ts';
import { createApi } from '../../../src/kubernetes/client.ts';
import { mutatingWebhooks, namespaces, statefulSets, validatingWebhooks, type KubernetesObject, type Resource } from '../../../src/kubernetes/objects.ts';
import { begin } from '../../../src/migration/begin.ts';
import { ended, ordinalMigrations, phaseOf, type MigrationTerms, type OrdinalMigration, type OrdinalMigrationSpec } from '../../../src/migration/record.ts';
import { visit } from '../../../src/migration/runner.ts';
import type { MigrationPorts } from '../../../src/migration/step.ts';
import { timestamp } from '../../../src/ports/clock.ts';
import type { CallWebhook, UserInfo } from '../../../src/simulation/apiserver/contract.ts';
import { SeededRandom } from '../../fakes/random.ts';
import { SHOP, stage, type Stage, type StageOptions } from './stage.ts';

export const DAEMON: UserInfo = { username: 'system:serviceaccount:zonespread-system:zonespread-controller', groups: ['system:serviceaccounts', 'system:authenticated'] };

export const TERMS: MigrationTerms = { readyTimeoutMs: 60_000, healthDurationMs: 5_000, onUnready: 'hold', snapshotRetentionMs: 3_600_000, sourceRetentionMs: 3_600_000 };

/** Parsed once: a matrix sets thousands of stages. */
const CRDS = ['ordinalmigrations.yaml', 'spreadreports.yaml', 'zoneevacuations.yaml'].map((file) => parse(readFileSync(new URL(`../../../charts/zonespread/crds/${file}`, import.meta.url), 'utf8')) as KubernetesObject);
const customResourceDefinitions: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false };

const REGISTRATION: Registration = {
  target: { service: { name: 'zonespread-webhook', namespace: 'zonespread-system' } },
  bundle: '',
  ownNamespace: 'zonespread-system',
  namespaces: [],
  controller: { username: DAEMON.username, dedicated: true },
};

export class Product {
  readonly stage: Stage;
  readonly api: Api;
  readonly ports: MigrationPorts;
  readonly notes: string[] = [];
  /** Reviews that were denied, by whom they were asked for. */
  readonly denied: string[];

  constructor(on: Stage, denied: string[]) {
    this.stage = on;
    this.denied = denied;
    const { cluster } = on;
    this.api = createApi({ http: cluster.http(DAEMON) });
    this.ports = {
      api: this.api,
      disks: createAlicloudDisks({ call: cluster.ecs, clock: cluster.clock, region: cluster.ecs.region }),
      clock: cluster.clock,
      random: new SeededRandom(7),
      clusterUID: cluster.server.read(namespaces, { name: 'kube-system' })?.metadata.uid ?? '',
      epoch: 1,
      stepTimeoutMs: 120_000,
      reserving: { on: true, image: 'pause', prepull: false },
      report: (_record, { event, message }) => {
        this.notes.push(`${timestamp(cluster.clock)} ${event}: ${message}`);
      },
    };
  }

  async plan(spec: Partial<OrdinalMigrationSpec> & Pick<OrdinalMigrationSpec, 'ordinal' | 'targetZone'>, name = 'first'): Promise<OrdinalMigration> {
    const statefulSetRef = { apiVersion: 'apps/v1' as const, kind: 'StatefulSet' as const, name: 'web' };
    return this.stage.create(ordinalMigrations, { metadata: { namespace: SHOP, name }, spec: { statefulSetRef, reason: 'Manual', ...spec } });
  }

  record(name = 'first'): OrdinalMigration {
    const record = this.stage.cluster.server.read(ordinalMigrations, { namespace: SHOP, name });
    if (record === undefined) throw new Error(`there is no record ${name}`);
    return record;
  }

  /** Visits the record until it has ended, letting the cluster's time pass. */
  async run(name = 'first'): Promise<OrdinalMigration> {
    return this.stage.cluster.settle(this.#visits(name), 1_800_000);
  }

  async #visits(name: string): Promise<OrdinalMigration> {
    const faults = new Map<string, number>();
    for (let visits = 0; visits < 5_000; visits += 1) {
      const record = this.record(name);
      if (ended(record)) return record;
      if (phaseOf(record) === 'Pending') await begin(this.ports, record, TERMS);
      const next = await visit(this.ports, { namespace: SHOP, name }, faults);
      // Watches would wake the daemon; here it looks again soon.
      await this.stage.cluster.clock.sleep(next.kind === 'again' ? Math.min(Math.max(next.afterMs, 10), 250) : 10);
    }
    throw new Error(`the migration does not come to an end: ${JSON.stringify(this.record(name).status, undefined, 1)}`);
  }
}

/** A stage with the custom resources and the webhooks installed, for any number of daemons to work on. */
export interface Installed {
  stage: Stage;
  /** Reviews that were denied, by whom they were asked for. */
  denied: string[];
}

export async function productStage(options: StageOptions = {}): Promise<Product> {
  const { stage: on, denied } = await installedStage(options);
  return new Product(on, denied);
}

export async function installedStage(options: StageOptions = {}): Promise<Installed> {
  const inFlight = new InFlightIndex();
  const denied: string[] = [];
  let made: Stage | undefined;
  const world: World = {
    inFlight,
    namespaces: {
      get(name) {
        const known = made?.cluster.server.read(namespaces, { name });
        return known === undefined ? undefined : { terminating: known.metadata.deletionTimestamp !== undefined };
      },
    },
    sets: {
      get(namespace, name) {
        const known = made?.cluster.server.read(statefulSets, { namespace, name });
        return known === undefined ? undefined : { start: known.spec.ordinals?.start ?? 0, replicas: known.spec.replicas ?? 0, override: undefined };
      },
    },
    zones: { known: () => new Set() },
    budgets: { of: () => [] },
    controller: { username: DAEMON.username, dedicated: true },
  };
  const callWebhook: CallWebhook = async ({ clientConfig, review }) => {
    const read = reviewOf(review);
    const { decision } = judge(clientConfig.service?.path === '/mutate' ? MUTATING : VALIDATING, read, world);
    if (decision.kind === 'deny') denied.push(`${read.user.username} ${read.operation} ${read.kind.kind} ${read.name}: ${decision.message}`);
    return JSON.parse(JSON.stringify(answerOf(read.uid, decision))) as Record<string, unknown>;
  };
  made = await stage({ ...options, callWebhook });
  for (const definition of CRDS) await made.create(customResourceDefinitions, definition);
  made.cluster.server.follow(ordinalMigrations, ({ type, object }) => {
    if (type === 'DELETED') inFlight.remove(object.metadata.namespace ?? '', object.metadata.name);
    else inFlight.put(object);
  });
  await made.create(mutatingWebhooks, mutatingConfiguration(REGISTRATION));
  await made.create(validatingWebhooks, validatingConfiguration(REGISTRATION));
  return { stage: made, denied };
}
