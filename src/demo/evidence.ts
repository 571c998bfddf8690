// What must be true at the end, judged from what was seen and not from what the product says of itself: no write lost, siblings Ready
// all the time, the StatefulSet written by nobody but its owner. Pure; each function gives back what speaks against it.

import { inFlight, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import { isPlaceholder } from '../migration/reservation/placeholder.ts';
import type { Pod, StatefulSet } from '../kubernetes/objects.ts';
import type { AcknowledgedWrite, DiskWrite, StartRecord } from '../simulation/kubelet/records.ts';
import { isReady } from './picture.ts';

/** One state of an object, as a watch showed it. */
export interface Version<T> {
  deleted: boolean;
  object: T;
  /** Of the API server's store: counts up over all kinds. */
  revision: number;
}

// ── data ──

export interface Books {
  acknowledged: readonly AcknowledgedWrite[];
  starts: readonly StartRecord[];
  /** Everything on a disk, oldest first. */
  contents: (diskId: string) => readonly DiskWrite[];
  /** Claim → disk that it is bound to now. */
  disks: ReadonlyMap<string, string>;
}

/** Writes that were acknowledged before a pod started on the claim and were not on its disk, or are not on the claim's disk now. */
export function missingWrites(books: Books): string[] {
  const byClaim = Map.groupBy(books.acknowledged, ({ claim }) => claim);
  const atStarts = books.starts.flatMap((start) => {
    // Two records of one millisecond cannot be told apart by time: what the pod itself wrote at its start came after.
    const before = (byClaim.get(start.claim) ?? []).filter((write) => write.uid !== start.uid && write.at <= start.at);
    const found = wordsOn(books.contents(start.diskId).slice(0, start.contentsLength));
    return before.filter((write) => !found.has(keyOf(write))).map((write) => `${start.pod} started on ${start.diskId} without write ${write.sequence} of ${write.pod}`);
  });
  const now = [...books.disks].flatMap(([claim, diskId]) => {
    const found = wordsOn(books.contents(diskId));
    return (byClaim.get(claim) ?? []).filter((write) => !found.has(keyOf(write))).map((write) => `${diskId} of claim ${claim} does not have write ${write.sequence} of ${write.pod}`);
  });
  return [...atStarts, ...now];
}

/** A copy begins with all that its source holds, in the same order. */
export function copyProblem(source: { id: string; contents: readonly DiskWrite[] }, copy: { id: string; contents: readonly DiskWrite[] }): string | undefined {
  const [ours, theirs] = [source.contents, copy.contents].map((contents) => contents.map(wordsOf));
  const at = (ours ?? []).findIndex((words, index) => theirs?.[index] !== words);
  return at === -1 ? undefined : `${copy.id} differs from ${source.id}, which it was made from, at write ${at + 1}`;
}

function wordsOn(contents: readonly DiskWrite[]): Set<string> {
  return new Set(contents.map(wordsOf));
}

function wordsOf({ sequence, writer, text = '' }: DiskWrite): string {
  return `${sequence} ${writer} ${text}`;
}

function keyOf({ sequence, pod, text }: AcknowledgedWrite): string {
  return `${sequence} ${pod} ${text}`;
}

// ── siblings ──

/**
 * Pods that were not Ready although no move of theirs was under way. A move that was rolled back lasts until its pod is Ready again: its
 * record ends when the pod may start. `since`: revision at which all were Ready.
 */
export function unreadySiblings(seen: { pods: readonly Version<Pod>[]; moves: readonly Version<OrdinalMigration>[]; since: number }): string[] {
  const moving = new Map<string, number>();
  const recovering = new Set<number>();
  const wrong = new Set<string>();
  const happenings = [
    ...seen.moves.map(({ object, deleted, revision }) => ({
      revision,
      happen: () => {
        if (moving.has(object.metadata.name) && phaseOf(object) === 'RolledBack') recovering.add(object.spec.ordinal);
        noteMove(moving, object, deleted);
      },
    })),
    ...seen.pods.filter(({ object }) => !isPlaceholder(object)).map(({ object, deleted, revision }) => ({
      revision,
      happen: () => {
        const name = object.metadata.name;
        const ordinal = Number(name.slice(name.lastIndexOf('-') + 1));
        if (!deleted && isReady(object)) recovering.delete(ordinal);
        else if (!recovering.has(ordinal) && ![...moving.values()].includes(ordinal)) wrong.add(name);
      },
    })),
  ];
  for (const { happen } of happenings.filter(({ revision }) => revision > seen.since).toSorted((left, right) => left.revision - right.revision)) happen();
  return [...wrong];
}

function noteMove(moving: Map<string, number>, record: OrdinalMigration, deleted: boolean): void {
  if (!deleted && inFlight(record)) moving.set(record.metadata.name, record.spec.ordinal);
  else moving.delete(record.metadata.name);
}

/** The largest number of ordinals that were in flight at once. */
export function mostAtOnce(moves: readonly Version<OrdinalMigration>[]): number {
  const moving = new Map<string, number>();
  let most = 0;
  for (const { object, deleted } of moves.toSorted((left, right) => left.revision - right.revision)) {
    noteMove(moving, object, deleted);
    most = Math.max(most, moving.size);
  }
  return most;
}

// ── the set ──

export interface SetStates {
  /** As its owner left it. */
  wanted: StatefulSet;
  since: readonly Version<StatefulSet>[];
  /** Field managers that may write it: its owner's, and Kubernetes' own. */
  managers: readonly string[];
  /** From the API server's audit log: writes to it by the users that the product acts as. */
  writes: readonly { user: string; verb: string }[];
}

export function writesToSet({ wanted, since, managers, writes }: SetStates): string[] {
  const { generation, uid, annotations, labels } = wanted.metadata;
  const own = JSON.stringify([generation, uid, sorted(annotations), sorted(labels)]);
  const states = since.flatMap(({ object: { metadata }, deleted }) => {
    const same = !deleted && JSON.stringify([metadata.generation, metadata.uid, sorted(metadata.annotations), sorted(metadata.labels)]) === own;
    const strangers = (metadata.managedFields ?? []).map(({ manager = '' }) => manager).filter((manager) => !managers.includes(manager));
    return [...(same ? [] : [`generation, annotations or labels of the set changed (generation ${metadata.generation ?? '?'})`]), ...strangers.map((manager) => `${manager} wrote fields of the set`)];
  });
  return [...new Set([...states, ...writes.map(({ user, verb }) => `${user}: ${verb}`)])];
}

function sorted(record: Record<string, string> = {}): [string, string][] {
  return Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1));
}
