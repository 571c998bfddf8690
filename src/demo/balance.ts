// What came of it, gathered from everybody's books when the moves are over: the kubelets', the cloud's, the API server's, and what the
// onlooker saw.

import type { StatefulSet } from '../kubernetes/objects.ts';
import { phaseOf, podNameOf, type OrdinalMigration } from '../migration/record.ts';
import type { PodTimeline } from '../simulation/kubelet/records.ts';
import { accountOf, spansOf, type Account, type Spans } from './accounting.ts';
import { copyProblem, missingWrites, mostAtOnce, unreadySiblings, writesToSet } from './evidence.ts';
import type { Onlooker } from './onlooker.ts';
import { ANNOTATOR, DEMO_MANAGER, NAMESPACE, SET } from './workload.ts';
import type { Books } from './world.ts';

export interface MoveBalance {
  ordinal: number;
  pod: string;
  from: string;
  to: string;
  spans: Spans;
  account: Account;
  /** By the kubelets' clocks alone: deletion seen → Ready; never longer than what the record says. */
  kubeletDowntimeMs: number;
  sourceDisk: string;
  targetDisk: string;
}

export interface Balance {
  moves: MoveBalance[];
  writes: number;
  /** What speaks against "no write was lost". */
  lostWrites: string[];
  /** Names of pods that were not Ready although nothing moved them. */
  unready: string[];
  atOnce: number;
  /** What speaks against "nobody of us wrote to the set". */
  setWrites: string[];
  generation: number;
  retained: { pv: string; diskId: string; sizeGiB: number; until: string }[];
}

/** From when on what counts. */
export interface Since {
  /** As it was after the last annotation; what nobody else may change. */
  annotated: StatefulSet;
  /** Revision of the store from which on every pod has to stay Ready unless it is moved. */
  settledAt: number;
}

/** @throws Error when a book lacks what every move must have left there. */
export async function balanceOf({ books, onlooker, since }: { books: Books; onlooker: Onlooker; since: Since }): Promise<Balance> {
  const { records, cloud } = books;
  const done = onlooker.moves().filter((record) => phaseOf(record) === 'Succeeded');
  const moves = done.map((record) => balanceMove(record, books));
  const data = { acknowledged: records.acknowledged, starts: records.starts, contents: (id: string) => cloud.contents(id), disks: onlooker.disks() };
  const copies = moves.flatMap(({ sourceDisk, targetDisk }) => copyProblem({ id: sourceDisk, contents: cloud.contents(sourceDisk) }, { id: targetDisk, contents: cloud.contents(targetDisk) }) ?? []);
  const lost = records.lost.map(({ write, start }) => `${start.pod} started on ${start.diskId} without write ${write.sequence} of ${write.pod}`);
  const sinceAnnotated = onlooker.seen.sets.filter(({ revision }) => revision >= Number(since.annotated.metadata.resourceVersion));
  return {
    moves,
    writes: records.acknowledged.length,
    lostWrites: [...new Set([...lost, ...missingWrites(data), ...copies])],
    unready: unreadySiblings({ ...onlooker.seen, since: since.settledAt }),
    atOnce: mostAtOnce(onlooker.seen.moves),
    setWrites: writesToSet({ wanted: since.annotated, since: sinceAnnotated, managers: [ANNOTATOR, DEMO_MANAGER, 'kube-controller-manager'], writes: await books.productWritesToSets() }),
    generation: onlooker.set()?.metadata.generation ?? 0,
    retained: onlooker.report()?.status?.retained ?? [],
  };
}

function balanceMove(record: OrdinalMigration, { records, cloud }: Books): MoveBalance {
  const { sourceDisk, targetDisk, snapshotId, from } = madeBy(record);
  const { before, after } = podsOf(record, records.timelines(`${NAMESPACE}/${podNameOf(record)}`));
  const snapshot = cloud.snapshot(snapshotId);
  if (snapshot === undefined) throw incomplete(record, 'a snapshot that the cloud knows');
  const diskEvents = cloud.history().filter(({ subject }) => subject === 'disk');
  const spans = spansOf({ before, after, diskEvents, sourceDisk, targetDisk, snapshot });
  return {
    ordinal: record.spec.ordinal,
    pod: podNameOf(record),
    from,
    to: record.spec.targetZone,
    spans,
    account: accountOf(downtimeOf(record), spans),
    kubeletDowntimeMs: (after.readyAt ?? 0) - (before.killedAt ?? 0),
    sourceDisk,
    targetDisk,
  };
}

function madeBy(record: OrdinalMigration): { sourceDisk: string; targetDisk: string; snapshotId: string; from: string } {
  const [claim] = record.status?.claims ?? [];
  const [targetDisk, snapshotId] = [claim?.target?.diskId, claim?.snapshot?.id];
  if (claim === undefined || targetDisk === undefined || snapshotId === undefined) throw incomplete(record, 'the disks and the snapshot');
  return { sourceDisk: claim.source.diskId, targetDisk, snapshotId, from: claim.source.zone };
}

/** As the product has it on record: from just before the eviction until it saw the pod Ready again. */
function downtimeOf(record: OrdinalMigration): { from: number; to: number } {
  const { unavailableSince, downtimeSeconds } = record.status ?? {};
  if (unavailableSince === undefined || downtimeSeconds === undefined) throw incomplete(record, 'the downtime');
  const from = Date.parse(unavailableSince);
  return { from, to: from + Math.round(downtimeSeconds * 1000) };
}

/** The pod that was evicted, and the first of its successors that got Ready. */
function podsOf(record: OrdinalMigration, timelines: readonly PodTimeline[]): { before: PodTimeline; after: PodTimeline } {
  const before = timelines.find(({ uid }) => uid === record.status?.podUID);
  const after = timelines.find((timeline) => before !== undefined && timeline.seenAt > before.seenAt && timeline.readyAt !== undefined);
  if (before === undefined || after === undefined) throw incomplete(record, 'the pods before and after');
  return { before, after };
}

function incomplete(record: OrdinalMigration, what: string): Error {
  return new Error(`The books on the move of ${SET}-${record.spec.ordinal} lack ${what}`);
}
