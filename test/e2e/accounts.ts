// The books of a scene: which disks, snapshots and volumes there are against those that somebody answers for, and which acknowledged
// writes a pod did not find. Readings only; expect.ts says what must come out.

import { ended, type ClaimRecord, type OrdinalMigration } from '../../src/migration/record.ts';
import type { DiskView, SnapshotView } from '../../src/simulation/ecs/model.ts';
import type { AcknowledgedWrite, StartRecord } from '../../src/simulation/kubelet/records.ts';
import { MADE_FOR_NAMESPACE, MIGRATION } from './names.ts';
import type { Scene } from './scene.ts';

/** Of the scene's claims and migrations; `deleted` ones too where asked for. */
export function disksOf(scene: Scene, { deleted = false }: { deleted?: boolean } = {}): DiskView[] {
  const uids = new Set(scene.migrations.versions.map(({ object }) => object.metadata.uid));
  const { cloud } = scene.world;
  return [...cloud.disks(), ...(deleted ? cloud.disks({ deleted: true }) : [])].filter(
    ({ tags }) => tags[MADE_FOR_NAMESPACE] === scene.namespace || (tags[MIGRATION] !== undefined && uids.has(tags[MIGRATION])),
  );
}

export function snapshotsOf(scene: Scene): SnapshotView[] {
  const ids = new Set(disksOf(scene, { deleted: true }).map(({ id }) => id));
  return scene.world.cloud.snapshots().filter(({ sourceDiskId }) => ids.has(sourceDiskId));
}

/** In words: what exists and nobody answers for, and what somebody answers for and does not exist. */
export function discrepancies(scene: Scene): string[] {
  const answered = answeredFor(scene);
  const there = { disks: disksOf(scene).map(({ id }) => id), snapshots: snapshotsOf(scene).map(({ id }) => id), volumes: scene.volumes.all().map(({ metadata }) => metadata.name) };
  return (['disks', 'snapshots', 'volumes'] as const).flatMap((kind) => {
    const leaked = there[kind].filter((id) => !answered[kind].has(id)).map((id) => `${kind}: ${id} is leaked`);
    return leaked.concat([...answered[kind]].filter((id) => !there[kind].includes(id)).map((id) => `${kind}: ${id} is lost`));
  });
}

interface Holdings {
  disks: Set<string>;
  snapshots: Set<string>;
  volumes: Set<string>;
}

function answeredFor(scene: Scene): Holdings {
  const holdings: Holdings = { disks: new Set(), snapshots: new Set(), volumes: new Set() };
  for (const volume of scene.volumes.all()) {
    const claim = scene.claims.get(volume.spec.claimRef?.name ?? '');
    if (claim?.metadata.uid !== volume.spec.claimRef?.uid || claim?.spec.volumeName !== volume.metadata.name) continue;
    holdings.volumes.add(volume.metadata.name);
    holdings.disks.add(volume.spec.csi?.volumeHandle ?? '');
  }
  for (const record of scene.migrations.all().filter(ended)) {
    for (const claim of record.status?.claims ?? []) holdRetained(holdings, record, claim);
  }
  return holdings;
}

/** What an ended move has left behind on purpose. */
function holdRetained(holdings: Holdings, record: OrdinalMigration, claim: ClaimRecord): void {
  const { phase, reason } = record.status ?? {};
  const kept = phase === 'Succeeded' || reason === 'Reversed' ? claim.source : reason === 'SourceRestored' ? claim.target : undefined;
  if (kept?.diskId !== undefined && kept.retiredAt === undefined) {
    holdings.disks.add(kept.diskId);
    if (kept.pv !== undefined) holdings.volumes.add(kept.pv);
  }
  for (const snapshot of [claim.snapshot, claim.rescue]) {
    if (snapshot?.id !== undefined && snapshot.retiredAt === undefined) holdings.snapshots.add(snapshot.id);
  }
}

export interface MissingWrite {
  write: AcknowledgedWrite;
  /** The pod that did not find it; undefined: it is not on the disk that the claim has now. */
  start: StartRecord | undefined;
}

/**
 * By the kubelets' books and the disks' contents: every write that was acknowledged on a claim before a pod started on it and that the
 * pod's disk did not have, or that the claim's present disk does not have. `givenUp`: disks whose writes were given up on purpose.
 */
export function missingWrites(scene: Scene, givenUp: readonly string[] = []): MissingWrite[] {
  const { records } = scene.world.kubelets;
  const own = `${scene.namespace}/`;
  const passing = claimsThatPass(scene);
  const acknowledged = records.acknowledged.filter(({ pod, diskId, claim }) => pod.startsWith(own) && !givenUp.includes(diskId) && !passing.has(claim));
  const starts = records.starts.filter(({ pod, diskId, claim }) => pod.startsWith(own) && !givenUp.includes(diskId) && !passing.has(claim));
  const byClaim = Map.groupBy(acknowledged, ({ claim }) => claim);
  const atStarts = starts.flatMap((start) => missingAt(scene, start, byClaim.get(start.claim) ?? []));
  const now = scene.claims.all().flatMap((claim) => {
    const diskId = scene.volumes.get(claim.spec.volumeName ?? '')?.spec.csi?.volumeHandle;
    if (diskId === undefined) return [];
    const contents = contentsOf(scene, diskId);
    return (byClaim.get(claim.metadata.name) ?? []).filter((write) => !contents.has(keyOf(write))).map((write): MissingWrite => ({ write, start: undefined }));
  });
  return [...atStarts, ...now];
}

/** Of generic ephemeral volumes: what is on them goes with the pod. */
export function claimsThatPass(scene: Scene): Set<string> {
  const ofPods = scene.claims.versions.filter(({ object }) => (object.metadata.ownerReferences ?? []).some(({ kind }) => kind === 'Pod'));
  return new Set(ofPods.map(({ object }) => object.metadata.name));
}

function missingAt(scene: Scene, start: StartRecord, writes: readonly AcknowledgedWrite[]): MissingWrite[] {
  // Two records of one millisecond cannot be told apart by time: what the pod itself wrote at its start came after.
  const before = writes.filter((write) => write.uid !== start.uid && write.at <= start.at);
  const found = new Set(scene.world.cloud.contents(start.diskId).slice(0, start.contentsLength).map(wordsOf));
  return before.filter((write) => !found.has(keyOf(write))).map((write) => ({ write, start }));
}

function contentsOf(scene: Scene, diskId: string): Set<string> {
  return new Set(scene.world.cloud.contents(diskId).map(wordsOf));
}

function wordsOf(write: { writer: string; sequence: number; text?: string }): string {
  return `${write.sequence} ${write.writer} ${write.text ?? ''}`;
}

function keyOf(write: AcknowledgedWrite): string {
  return `${write.sequence} ${write.pod} ${write.text}`;
}
