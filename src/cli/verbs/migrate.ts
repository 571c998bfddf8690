// `zonespread migrate`: one move by hand, as a record that the controller carries out when its guards allow.

import type { Command } from 'commander';
import { ApiError } from '../../kubernetes/api.ts';
import { VELERO_EXCLUDE_LABEL } from '../../kubernetes/names.ts';
import { nodes, type StatefulSet } from '../../kubernetes/objects.ts';
import { zoneOfNode } from '../../layout/zones.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import { ended, ordinalMigrations, phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../../migration/record.ts';
import { randomLetters } from '../../ports/random.ts';
import { blocked, failed, wrongUsage } from '../exit.ts';
import { duration } from '../flags.ts';
import { findSet, setNameFrom } from '../names.ts';
import { span } from '../../standing/amounts.ts';
import { addClusterFlags, addDryRunFlag, addExamples, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';
import { followRecord, stateOf } from '../waiting.ts';

interface MigrateFlags extends ClusterFlags {
  wait?: boolean;
  throughHolds?: boolean;
  timeout?: number;
  dryRun?: true;
}

export function addMigrateVerb(program: Command, around: Surroundings): void {
  const command = addDryRunFlag(addClusterFlags(program.command('migrate').argument('<set>', 'StatefulSet').argument('<ordinal>', 'of the pod whose disks move').argument('<zone>', 'where they go')))
    .description('move the disks of one ordinal into a zone, whatever the policy says (its guards hold all the same)')
    .option('-w, --wait', 'show the move as it goes, until it has ended; exit code 3 with the reason when something holds it')
    .option('--through-holds', 'with --wait: wait on while something holds it')
    .option('--timeout <duration>', 'with --wait: how long at most, e.g. 30m', duration)
    .action((set: string, ordinal: string, zone: string, flags: MigrateFlags) => withCluster(around, flags, (session) => migrate(session, { set: setNameFrom(set), ordinal: ordinalFrom(ordinal), zone }, flags)));
  addExamples(command, around.calledAs, [
    ['migrate web 2 cn-beijing-i --wait', 'web-2 with its disks to cn-beijing-i'],
    ['migrate web 2 cn-beijing-i --dry-run', 'whether the API server would take the order'],
  ]);
}

interface Order {
  set: string;
  ordinal: number;
  zone: string;
}

function ordinalFrom(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw wrongUsage(`"${text}" is no ordinal. Allowed: a whole number from 0 up, e.g. zonespread migrate web 2 cn-beijing-i`);
  return Number(text);
}

async function migrate(session: Session, order: Order, flags: MigrateFlags): Promise<void> {
  const set = await findSet(session.api, session.namespace, order.set);
  requireOrdinal(set, order.ordinal);
  await requireZone(session, order.zone);
  await requireNoOther(session, order);
  const dryRun = flags.dryRun === true;
  const record = await session.api.create(ordinalMigrations, recordOf(session, set, order), { dryRun });
  const { name } = record.metadata;
  if (dryRun) return session.show.tell(`OrdinalMigration ${name} would be created (server dry run): ${podNameOf(record)} to ${order.zone}.`);
  session.show.tell(`OrdinalMigration ${name} is created: ${podNameOf(record)} to ${order.zone}. ${flags.wait === true ? 'To take it back: ' : `To follow: ${session.around.calledAs} status ${order.set} -n ${session.namespace} --watch; to take it back: `}${session.around.calledAs} abort ${name} -n ${session.namespace}`);
  if (flags.wait === true) await waitFor(session, record, flags);
}

function requireOrdinal(set: StatefulSet, ordinal: number): void {
  const { first, last } = ordinalsOf(set);
  if (ordinal < first || ordinal > last) throw failed(`StatefulSet ${set.metadata.name} has ${last < first ? 'no ordinals: it is scaled to zero' : `the ordinals ${first} to ${last}`}, and no ${ordinal}`);
}

/** A zone without nodes would hold the move for ever, and is most likely mistyped. Who may not see nodes has to spell it right. */
async function requireZone({ api }: Session, zone: string): Promise<void> {
  const all = await api.list(nodes).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  });
  if (all === undefined) return;
  const zones = [...new Set(all.flatMap((node) => zoneOfNode(node) ?? []))].toSorted();
  if (!zones.includes(zone)) throw failed(`no node is in zone ${zone}; there are nodes in ${zones.join(', ')}`);
}

async function requireNoOther({ api, namespace }: Session, { set, ordinal }: Order): Promise<void> {
  const open = (await api.list(ordinalMigrations, { namespace })).find((record) => record.spec.statefulSetRef.name === set && record.spec.ordinal === ordinal && !ended(record));
  if (open !== undefined) throw blocked(`${set}-${ordinal} has a move already: ${open.metadata.name} to ${open.spec.targetZone}, ${stateOf(open)}. Let it end, or abort it first`);
}

function recordOf({ namespace, around }: Session, { apiVersion = 'apps/v1', kind = 'StatefulSet', metadata }: StatefulSet, { ordinal, zone }: Order): OrdinalMigration {
  return {
    metadata: { namespace, name: `${metadata.name}-${ordinal}-${randomLetters(around.random, 5)}`, labels: { [VELERO_EXCLUDE_LABEL]: 'true' } },
    spec: { statefulSetRef: { apiVersion, kind, name: metadata.name, ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) }, ordinal, targetZone: zone, reason: 'Manual' },
  };
}

async function waitFor(session: Session, record: OrdinalMigration, { throughHolds = false, timeout }: MigrateFlags): Promise<void> {
  const isHeld = (now: OrdinalMigration): boolean => phaseOf(now) === 'Pending' && statusOf(now).reason !== undefined && !throughHolds;
  const over = await followRecord(session, record, { isOver: (now) => ended(now) || phaseOf(now) === 'Frozen' || isHeld(now), timeoutMs: timeout });
  const { reason = '', message = '', downtimeSeconds } = statusOf(over);
  const name = podNameOf(over);
  if (phaseOf(over) === 'Succeeded') return session.show.tell(`${name} is in ${over.spec.targetZone}${downtimeSeconds === undefined ? '' : `; it was down for ${span(downtimeSeconds * 1000)}`}. The old disk is kept for a while: ${session.around.calledAs} retained -n ${session.namespace}`);
  if (phaseOf(over) === 'Pending') throw blocked(`${name} waits: ${reason}: ${message}. The move begins by itself when that is over`);
  if (phaseOf(over) === 'Frozen') throw blocked(`the move of ${name} is frozen: ${reason}: ${message}. Decide: ${session.around.calledAs} resume, abort, reverse, restore-source or release ${over.metadata.name}`);
  throw failed(`${name} was not moved: ${phaseOf(over)} ${reason}: ${message}`);
}
