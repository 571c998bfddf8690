// What happens on the observed day, hour by hour: ordinary moves, and one of each trouble that a dashboard has to show and an alert to tell.

import { claims, disruptionBudgets, namespaces, statefulSets, type PodDisruptionBudget } from '../../src/kubernetes/objects.ts';
import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../../src/kubernetes/names.ts';
import { zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import { spreadReports } from '../../src/controller/spread-report.ts';
import { claimsOf, inFlight, ordinalMigrations } from '../../src/migration/record.ts';
import { Refusal } from '../../src/simulation/apiserver/contract.ts';
import { ZONES, type ObservedCluster, type ObservedSet } from './cluster.ts';

const EVERYWHERE = Object.values(ZONES).join(',');
const KEPT_FOR_HOURS = { 'source-retention': '5h', 'snapshot-retention': '5h' };

const DB = { namespace: 'orders', name: 'db' };
const WEB = { namespace: 'shop', name: 'web' };
const INDEX = { namespace: 'search', name: 'index' };
const LEDGER = { namespace: 'billing', name: 'ledger' };
const TRAIL = { namespace: 'audit', name: 'trail' };

export const SETS: readonly ObservedSet[] = [
  { ...DB, replicas: 5, size: '100Gi', policy: KEPT_FOR_HOURS },
  { ...WEB, replicas: 6, size: '20Gi', policy: KEPT_FOR_HOURS },
  { ...INDEX, replicas: 4, size: '200Gi', policy: { ...KEPT_FOR_HOURS, mode: 'plan' } },
  { ...LEDGER, replicas: 3, size: '40Gi', policy: KEPT_FOR_HOURS },
  { ...TRAIL, replicas: 3, size: '60Gi', policy: { paused: 'true' } },
];

interface Act {
  /** Hours since the day began. */
  at: number;
  act: (cluster: ObservedCluster) => unknown;
}

export const STORY: readonly Act[] = [
  { at: 0.5, act: (cluster) => cluster.annotate(DB, { zones: EVERYWHERE }) },
  { at: 0.5, act: (cluster) => cluster.annotate(TRAIL, { zones: EVERYWHERE }) },

  // A zone sells out under a move, which is undone; hours later there are disks again.
  { at: 2, act: (cluster) => sellOut(cluster, ZONES.j, 1.5) },
  { at: 2, act: (cluster) => cluster.annotate(WEB, { zones: EVERYWHERE }) },

  // A plan that waits for its approval, and people who get in the way of its moves.
  { at: 4, act: (cluster) => cluster.annotate(INDEX, { zones: EVERYWHERE }) },
  { at: 6, act: approve },
  { at: 6.02, act: getInTheWay },

  // Pods that do not start in their new zone: frozen until somebody has mended what they lack.
  { at: 8, act: (cluster) => neverReadyAbroad(cluster, 2) },
  { at: 8, act: (cluster) => cluster.annotate(LEDGER, { zones: EVERYWHERE }) },

  // The cloud answers badly, then nobody leads.
  { at: 11, act: (cluster) => cloudFails(cluster, 0.75) },
  { at: 13, act: (cluster) => nobodyLeads(cluster, 0.25) },

  // A disk that nobody knows; somebody looks at it and deletes it.
  { at: 14, act: (cluster) => orphan(cluster, 5) },

  // No webhook, and a typing error that it would have refused.
  { at: 15, act: (cluster) => noWebhook(cluster, 0.5) },
  { at: 15.2, act: (cluster) => cluster.annotate(WEB, { 'max-skew': '0' }) },
  { at: 16, act: (cluster) => cluster.annotate(WEB, { 'max-skew': null }) },

  // A zone is left, while a budget allows one set nothing at first; later it is used again.
  { at: 17, act: (cluster) => allowNoDisruption(cluster, DB, 1) },
  { at: 17, act: (cluster) => cluster.admin.create(zoneEvacuations, { metadata: { name: 'leave-j' }, spec: { zone: ZONES.j, reason: 'works in the machine room' } }) },
  { at: 20, act: (cluster) => cluster.admin.delete(zoneEvacuations, { name: 'leave-j' }) },

  // A set goes, and its series with it.
  { at: 22, act: (cluster) => cluster.admin.delete(statefulSets, LEDGER) },
];

const HOUR_MS = 3_600_000;

function sellOut({ ecs, clock }: ObservedCluster, zone: string, hours: number): void {
  const onSale = ecs.zones().find(({ id }) => id === zone)?.onSale ?? [];
  // The market still says yes when the move is planned, the call no.
  ecs.faults.add({ kind: 'soldOut', match: { ZoneId: zone }, times: 0 });
  clock.after(hours * HOUR_MS, () => {
    ecs.faults.clear();
    ecs.setOnSale(zone, onSale);
  });
}

async function approve(cluster: ObservedCluster): Promise<void> {
  const report = await cluster.admin.get(spreadReports, INDEX);
  const digest = report?.status?.plan?.digest;
  if (digest === undefined) throw new Error('there is no plan to approve');
  await cluster.annotate(INDEX, { approve: digest });
}

/** Each of these is refused, with who holds the ordinal. */
async function getInTheWay({ admin, clock }: ObservedCluster): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const move = (await admin.list(ordinalMigrations, { namespace: INDEX.namespace })).find(inFlight);
    if (move !== undefined) {
      await refused(admin.mergePatch(statefulSets, INDEX, { spec: { replicas: move.spec.ordinal } }));
      await refused(admin.delete(claims, { namespace: INDEX.namespace, name: claimsOf(move)[0]?.claimName ?? '' }));
      await refused(admin.delete(ordinalMigrations, { namespace: INDEX.namespace, name: move.metadata.name }));
    }
    await clock.sleep(60_000);
  }
}

async function refused(attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return;
  }
  throw new Error('what the webhook is there to refuse has been allowed');
}

function neverReadyAbroad({ embedded, clock }: ObservedCluster, hours: number): void {
  const { behaviour } = embedded.simulated;
  const heals = [ZONES.i, ZONES.j].map((zone) => behaviour.neverReady({ namespace: LEDGER.namespace, zone }));
  clock.after(hours * HOUR_MS, () => heals.forEach((heal) => heal()));
}

function cloudFails({ ecs, clock }: ObservedCluster, hours: number): void {
  ecs.faults.add({ kind: 'error', code: 'ServiceUnavailable', status: 503, times: 0, probability: 0.7 });
  ecs.faults.add({ kind: 'delay', ms: 3_000, times: 0, probability: 0.3 });
  clock.after(hours * HOUR_MS, () => ecs.faults.clear());
}

function nobodyLeads(cluster: ObservedCluster, hours: number): void {
  cluster.stopDaemons();
  cluster.clock.after(hours * HOUR_MS, () => {
    cluster.startDaemon();
    cluster.startDaemon();
  });
}

async function orphan({ admin, ecs, clock }: ObservedCluster, hours: number): Promise<void> {
  const cluster = (await admin.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? '';
  const disk = ecs.addDisk({ zone: ZONES.i, attachedAt: clock.now() - HOUR_MS, detachedAt: clock.now(), tags: { [CLUSTER_TAG]: cluster, [MIGRATION_LABEL]: 'a-record-that-is-gone', [ROLE_LABEL]: 'source' } });
  clock.after(hours * HOUR_MS, async () => {
    await ecs.call('DeleteDisk', { DiskId: disk });
  });
}

function noWebhook(cluster: ObservedCluster, hours: number): void {
  cluster.embedded.webhook?.kill();
  cluster.clock.after(hours * HOUR_MS, () => void cluster.startWebhook());
}

async function allowNoDisruption({ admin, clock }: ObservedCluster, set: { namespace: string; name: string }, hours: number): Promise<void> {
  const budget: PodDisruptionBudget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: set, spec: { maxUnavailable: 0, selector: { matchLabels: { app: set.name } } } };
  await admin.create(disruptionBudgets, budget);
  clock.after(hours * HOUR_MS, async () => {
    await admin.delete(disruptionBudgets, set);
  });
}
