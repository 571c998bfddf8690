// What must be true when a history is over, whatever happened in it. Each sentence that comes back is something wrong.

import { isDeepStrictEqual } from 'node:util';
import { ended, ordinalMigrations, phaseOf, type OrdinalMigration } from '../../src/migration/record.ts';
import { pictureOf, type DiskPicture, type Picture, type VolumePicture } from './picture.ts';
import { MOVE, reconcileInPeace, type History } from './play.ts';
import { allowedEndings, isFinalRefusal, type Ending } from './stories.ts';

/** Where the claims are at each ending: on a new disk in that zone, or on the old one as if nothing had been. */
const ON_NEW_DISK: Record<Ending, string | undefined> = { Succeeded: 'cn-test-b', Reversed: 'cn-test-a', RolledBack: undefined, SourceRestored: undefined, Failed: undefined };

export async function whatIsWrong(history: History): Promise<string[]> {
  if (asksWhetherItWasMade(history)) return [...lostWrites(history, 'Failed'), ...madeAfterAll(history)];
  const allowed = allowedEndings(history);
  const end = endingOf(history);
  const ending = allowed.find((one) => one === end.kind);
  if (ending === undefined) return [`it ends as ${end.text}; allowed is ${allowed.join(' or ')}`];
  return [...helpedInVain(history), ...otherRecords(history, ending), ...lostWrites(history, ending), ...differences(history, ending), ...unrecorded(history), ...deniedToUs(history), ...(await writesInPeace(history))];
}

/** As long as a client token is trusted, and its tags may show late. */
const TOKEN_MS = 70 * 60_000;

/**
 * By design: killed between the record of a create call and the call, and nobody there until the token is too old to ask again. A new
 * token is never made without a person.
 */
function asksWhetherItWasMade({ installed, strikes }: History): boolean {
  const { reason, message = '' } = installed.stage.cluster.server.readAll(ordinalMigrations)[0]?.status ?? {};
  return strikes.some(({ downMs = 0 }) => downMs > TOKEN_MS) && (reason === 'DiskAmbiguous' || reason === 'SnapshotAmbiguous') && message.startsWith('nobody knows whether');
}

function madeAfterAll({ installed, before }: History): string[] {
  const record = JSON.stringify(installed.stage.cluster.server.readAll(ordinalMigrations)[0]?.status);
  const { ecs } = installed.stage.cluster;
  const made = [...ecs.disks(), ...ecs.snapshots()].filter(({ id }) => !Object.hasOwn(before.disks, id) && !record.includes(`"${id}"`));
  return made.map(({ id }) => `${id} was made, and the record asks whether`);
}

export function endingOf({ installed }: History): { kind: Ending | 'none'; text: string } {
  const record = installed.stage.cluster.server.readAll(ordinalMigrations).find(({ metadata }) => metadata.name === MOVE);
  const { phase = 'Pending', reason = '', message = '', step = '' } = record?.status ?? {};
  return { kind: kindOf(record), text: `${phase} ${reason} at ${step}: ${message}` };
}

function kindOf(record: OrdinalMigration | undefined): Ending | 'none' {
  if (record === undefined || !ended(record)) return 'none';
  const { phase, reason } = record.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return phase;
  return reason === 'Reversed' || reason === 'SourceRestored' ? reason : 'RolledBack';
}

function helpedInVain({ helped, wire }: History): string[] {
  return helped && !wire.struck.some(isFinalRefusal) ? ['it froze, and a person had to help'] : [];
}

function otherRecords({ installed }: History, ending: Ending): string[] {
  if (ending !== 'Reversed') return [];
  const others = installed.stage.cluster.server.readAll(ordinalMigrations).filter(({ metadata }) => metadata.name !== MOVE);
  return others.filter((record) => phaseOf(record) !== 'Succeeded').map((record) => `the move back ends as ${JSON.stringify(record.status)}`);
}

/** Only `restore-source` gives writes up, and only those that the newer disk took. */
function lostWrites({ installed, before }: History, ending: Ending): string[] {
  const given = (diskId: string): boolean => ending === 'SourceRestored' && !Object.hasOwn(before.disks, diskId);
  const lost = installed.stage.cluster.records.lost.filter(({ write }) => !given(write.diskId));
  return lost.map((one) => `an acknowledged write is lost: ${JSON.stringify(one)}`);
}

/** All that is there now, against all that was there before, moved or not. */
function differences(history: History, ending: Ending): string[] {
  const { cluster } = history.installed.stage;
  const after = pictureOf(cluster);
  const zone = ON_NEW_DISK[ending];
  const expected = zone === undefined ? history.before : movedPicture(history, after, zone);
  return (Object.keys(after) as (keyof Picture)[]).filter((part) => !isDeepStrictEqual(plain(after[part]), plain(expected[part]))).map((part) => `${part} are not as they must be: ${difference(expected[part], after[part])}`);
}

/** The tag by which people at the cloud's console find the volume of a disk. */
const VOLUME_NAME_TAG = 'kubernetes.io/created-for/pv/name';

/** The picture from before with the ordinal's claims on the disks that they are on now. Nothing else may have changed. */
function movedPicture({ before, story }: History, after: Picture, zone: string): Picture {
  const moved = structuredClone(before);
  const node = `node-${zone.at(-1)}1`;
  const podName = `web-${story.ordinal}`;
  const pod = moved.pods[podName];
  if (pod !== undefined) moved.pods[podName] = { ...rezoned(pod, zone), node };
  for (const [name, claim] of Object.entries(moved.claims)) {
    if (!name.endsWith(`-web-${story.ordinal}`)) continue;
    const [oldName, newName] = [claim.spec.volumeName ?? '', after.claims[name]?.spec.volumeName ?? ''];
    const [oldVolume, oldDisk] = [moved.volumes[oldName], moved.disks[moved.volumes[oldName]?.spec.csi?.volumeHandle ?? '']];
    const [newVolume, newDisk] = [after.volumes[newName], after.disks[after.volumes[newName]?.spec.csi?.volumeHandle ?? '']];
    if (oldVolume === undefined || oldDisk === undefined || newVolume === undefined || newDisk === undefined || oldName === newName) continue;
    claim.spec.volumeName = newName;
    delete moved.volumes[oldName];
    delete moved.disks[oldDisk.id];
    moved.volumes[newName] = movedVolume(oldVolume, { newVolume, newDisk, zone });
    moved.disks[newDisk.id] = movedDisk(oldDisk, { newDisk, zone, node, volumeName: newName });
    moved.attachments = moved.attachments.map((one) => (one.startsWith(`${oldName} `) ? `${newName} on ${node}` : one)).toSorted();
  }
  return moved;
}

function movedVolume(old: VolumePicture, to: { newVolume: VolumePicture; newDisk: DiskPicture; zone: string }): VolumePicture {
  const there = rezoned(old, to.zone);
  const { csi = { driver: '', volumeHandle: '' } } = there.spec;
  return { ...there, uid: to.newVolume.uid, spec: { ...there.spec, csi: { ...csi, volumeHandle: to.newDisk.id } } };
}

function rezoned<T>(picture: T, zone: string): T {
  return JSON.parse(JSON.stringify(picture).replaceAll(/cn-test-[abc]/g, zone)) as T;
}

function movedDisk(old: DiskPicture, to: { newDisk: DiskPicture; zone: string; node: string; volumeName: string }): DiskPicture {
  const { id, name, description, sourceSnapshotId, lineage } = to.newDisk;
  return { ...old, id, name, description, sourceSnapshotId, lineage, zone: to.zone, attachedTo: [`i-${to.node}`], tags: { ...old.tags, [VOLUME_NAME_TAG]: to.volumeName } };
}

/** At the moment when a record ends, everything at the cloud that was not there before is in a record, for retirement to see to. */
function unrecorded({ ends, before }: History): string[] {
  return ends.flatMap(({ records, disks, snapshots }) => {
    const known = JSON.stringify(records.map(({ status }) => status));
    const unknown = [...disks.filter((id) => !Object.hasOwn(before.disks, id)), ...snapshots].filter((id) => !known.includes(`"${id}"`));
    return unknown.map((id) => `${id} is left at the end, and no record knows it`);
  });
}

function deniedToUs({ installed }: History): string[] {
  return installed.denied.map((one) => `denied: ${one}`);
}

async function writesInPeace(history: History): Promise<string[]> {
  const writes = await reconcileInPeace(history, 100);
  return writes.map(({ what }) => `a reconcile after the end writes: ${what}`);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

function difference(expected: unknown, actual: unknown, path = ''): string {
  const [left, right] = [plain(expected), plain(actual)];
  if (isDeepStrictEqual(left, right)) return '';
  if (!isObject(left) || !isObject(right)) return `${path} is ${JSON.stringify(right)}, not ${JSON.stringify(left)}`;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys
    .map((key) => difference(left[key], right[key], `${path}/${key}`))
    .filter((text) => text !== '')
    .join('; ');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
