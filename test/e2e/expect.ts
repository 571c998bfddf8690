// What must hold at the end of every scenario, and the vocabulary in which scenarios say what they expect.

import { expect } from 'vitest';
import { isStray } from '../../src/controller/stray-placeholders.ts';
import { inFlight, phaseOf, type OrdinalMigration } from '../../src/migration/record.ts';
import { namespaces } from '../../src/kubernetes/objects.ts';
import { claimsThatPass, discrepancies, disksOf, missingWrites, type MissingWrite } from './accounts.ts';
import { IN_FLIGHT, MADE_FOR_VOLUME, MIGRATION, ROLE, SUPERSEDED_BY } from './names.ts';
import { claimRecord, isReady, ordinalOf } from './reading.ts';
import type { Scene } from './scene.ts';
import { SCENARIO } from './world.ts';

/** What a scenario declares to be otherwise. */
export interface Exceptions {
  /** Disks whose writes were given up on purpose (`restore-source`); they have to be kept. */
  givenUp?: string[];
  /** Disks that somebody took into use again on purpose. */
  usedAgain?: string[];
  /** Ordinals whose pods the scenario itself takes down. */
  takenDown?: number[];
  /** How many ordinals may be in flight at once. */
  atOnce?: number;
}

export async function expectAllIsWell(scene: Scene, { givenUp = [], usedAgain = [], takenDown = [], atOnce = 1 }: Exceptions = {}): Promise<void> {
  expectNoLostWrites(scene, givenUp);
  expectOneWriterPerClaim(scene, usedAgain);
  expectLineage(scene);
  expectFewAtOnce(scene, atOnce);
  expectSiblingsStayedReady(scene, takenDown);
  await expectSetUntouched(scene);
  await expectNothingLeaked(scene);
  expectNoPlaceholderLeft(scene);
  await expectNamespaceLetGo(scene);
}

/** One of a move that has begun meanwhile is where it belongs. */
function expectNoPlaceholderLeft(scene: Scene): void {
  const left = scene.pods.all().filter((pod) => isStray(pod, () => scene.migrations.all()));
  expect(left.map(({ metadata }) => metadata.name), 'placeholders that are left').toEqual([]);
}

// ── data ──

/** Every acknowledged write is on every disk that a pod of the claim started on later, and on the one that the claim has now. */
export function expectNoLostWrites(scene: Scene, givenUp: readonly string[] = []): void {
  const { records } = scene.world.kubelets;
  const own = records.acknowledged.filter(({ pod }) => pod.startsWith(`${scene.namespace}/`));
  expect(own.length, 'acknowledged writes').toBeGreaterThan(0);
  expect(missingWrites(scene, givenUp).map(inWords).join('\n'), 'writes that are missing').toBe('');
  const passing = claimsThatPass(scene);
  const lost = records.lost.filter(({ start, write }) => start.pod.startsWith(`${scene.namespace}/`) && !givenUp.includes(write.diskId) && !passing.has(write.claim));
  expect(lost, 'writes that the kubelets miss').toEqual([]);
}

function inWords({ write, start }: MissingWrite): string {
  const where = start === undefined ? 'on the disk that the claim has now' : `where ${start.uid} started on disk ${start.diskId}`;
  return `${write.claim}: write ${write.sequence} of ${write.pod} (${write.text}) on disk ${write.diskId} is not found ${where}`;
}

/** At no time two disks of one claim were attached. */
function expectOneWriterPerClaim(scene: Scene, usedAgain: readonly string[]): void {
  const claimOf = new Map(disksOf(scene, { deleted: true }).map(({ id, tags }) => [id, tags['kubernetes.io/created-for/pvc/name'] ?? id]));
  const attached = new Map<string, string>();
  const wrong: string[] = [];
  for (const { subject, id, event } of scene.world.cloud.history()) {
    const claim = claimOf.get(id);
    if (subject !== 'disk' || claim === undefined || usedAgain.includes(id)) continue;
    if (event === 'Attaching') {
      const other = attached.get(claim);
      if (other !== undefined && other !== id) wrong.push(`claim ${claim}: disk ${id} is attached while disk ${other} is`);
      attached.set(claim, id);
    } else if ((event === 'Available' || event === 'deleted') && attached.get(claim) === id) attached.delete(claim);
  }
  expect(wrong).toEqual([]);
}

/** The disk of every claim is the one that the claim was born with, or a descendant of it by snapshots. */
function expectLineage(scene: Scene): void {
  const passing = claimsThatPass(scene);
  const first = new Map<string, string>();
  for (const { object } of scene.volumes.versions) {
    const { claimRef, csi } = object.spec;
    if (claimRef?.name !== undefined && csi !== undefined && !first.has(claimRef.name)) first.set(claimRef.name, csi.volumeHandle);
  }
  for (const volume of scene.volumes.all().filter(({ status }) => status?.phase === 'Bound')) {
    const claim = volume.spec.claimRef?.name ?? '';
    if (passing.has(claim)) continue;
    const ancestors: string[] = [];
    for (let id: string | undefined = volume.spec.csi?.volumeHandle; id !== undefined; id = scene.world.cloud.disk(id)?.lineage?.diskId) ancestors.push(id);
    expect(ancestors, `the ancestors of the disk of claim ${claim}`).toContain(first.get(claim));
  }
}

// ── who was touched ──

/** Spec, generation and metadata of the set are as the scenario wrote them, all the time, and nobody of ours ever wrote to it. */
export async function expectSetUntouched(scene: Scene): Promise<void> {
  const { wanted, world } = scene;
  if (wanted === undefined) return;
  for (const set of scene.sets.of(wanted.metadata.uid)) {
    if (set.metadata.deletionTimestamp !== undefined) continue;
    const then = scene.everWanted.find(({ metadata }) => metadata.uid === set.metadata.uid && metadata.generation === set.metadata.generation);
    expect(then, `generation ${set.metadata.generation} of the set, as the scenario made it`).toBeDefined();
    expect(set.spec, 'the spec of the set').toEqual(then?.spec);
    expect(set.metadata.labels, 'the labels of the set').toEqual(wanted.metadata.labels);
    const managers = new Set((set.metadata.managedFields ?? []).map(({ manager }) => manager));
    expect([SCENARIO, 'kube-controller-manager'], 'who wrote fields of the set').toEqual(expect.arrayContaining([...managers]));
  }
  expect(scene.sets.get(scene.setName)?.metadata.annotations, 'the annotations of the set').toEqual(wanted.metadata.annotations);
  const writes = (await world.writes()) ?? [];
  const ours = writes.filter(({ user, resource, namespace }) => isOurs(scene, user) && resource === 'statefulsets' && namespace === scene.namespace);
  expect(ours, 'writes of the product to the set').toEqual([]);
}

function isOurs(scene: Scene, user: string): boolean {
  return user === scene.world.users.daemon || user === scene.world.users.webhook;
}

/** From the first time that all were Ready, only the pod of an ordinal in flight (and of one that comes back from an undo) was ever not Ready. */
export function expectSiblingsStayedReady(scene: Scene, takenDown: readonly number[] = []): void {
  const exempt = new Exemptions();
  const happenings = [
    ...scene.migrations.versions.map(({ revision, object, type }) => ({ revision, happen: () => exempt.record(object, type === 'deleted') })),
    ...scene.pods.versions
      .filter(({ object }) => object.metadata.name.startsWith(`${scene.setName}-`))
      .map(({ revision, object, type }) => ({ revision, happen: () => exempt.pod(ordinalOf(object.metadata.name), type !== 'deleted' && isReady(object)) })),
  ];
  for (const { happen } of happenings.filter(({ revision }) => revision > scene.settledAt).toSorted((a, b) => a.revision - b.revision)) happen();
  expect(exempt.wrong.filter((ordinal) => !takenDown.includes(ordinal)), 'ordinals that were not Ready although nothing moved them').toEqual([]);
}

/** Which ordinals may be without a Ready pod at a moment. */
class Exemptions {
  readonly wrong: number[] = [];
  /** By name of the record. */
  readonly #inFlight = new Map<string, number>();
  readonly #recovering = new Set<number>();

  record(record: OrdinalMigration, deleted: boolean): void {
    if (!deleted && inFlight(record)) {
      this.#inFlight.set(record.metadata.name, record.spec.ordinal);
      this.#recovering.add(record.spec.ordinal);
    } else this.#inFlight.delete(record.metadata.name);
  }

  pod(ordinal: number, ready: boolean): void {
    if ([...this.#inFlight.values()].includes(ordinal)) return;
    if (ready) this.#recovering.delete(ordinal);
    else if (!this.#recovering.has(ordinal)) this.wrong.push(ordinal);
  }
}

export function expectFewAtOnce(scene: Scene, atOnce: number): void {
  const moving = new Map<string, number>();
  for (const { object, type } of scene.migrations.versions) {
    if (type !== 'deleted' && inFlight(object)) moving.set(object.metadata.name, object.spec.ordinal);
    else moving.delete(object.metadata.name);
    expect(new Set(moving.values()).size, `ordinals in flight at once (${[...moving.keys()].join(', ')})`).toBeLessThanOrEqual(atOnce);
  }
}

// ── what is left ──

/** Every disk, snapshot and volume is one that a claim or an ended migration answers for, and the other way round. */
export async function expectNothingLeaked(scene: Scene): Promise<void> {
  await scene.until('nothing is leaked or lost', () => {
    expect(discrepancies(scene).join('\n')).toBe('');
    return true;
  });
}

async function expectNamespaceLetGo(scene: Scene): Promise<void> {
  await scene.until('the namespace carries no mark of a migration', async () => {
    const namespace = await scene.world.api.get(namespaces, { name: scene.namespace });
    expect(namespace?.metadata.labels ?? {}).not.toHaveProperty(IN_FLIGHT);
    return true;
  });
}

// ── how a move ended ──

/** Exactly these ordinals moved, in this order, and each succeeded. */
export function expectMoves(scene: Scene, ordinals: number[]): void {
  const records = scene.migrations.all().toSorted((a, b) => (a.status?.startedAt ?? '').localeCompare(b.status?.startedAt ?? ''));
  expect(records.map(({ spec }) => spec.ordinal)).toEqual(ordinals);
  expect(records.map(phaseOf)).toEqual(ordinals.map(() => 'Succeeded'));
}

/** The claim's volume is as the old one was, but for disk, zone and name; nothing of ours is left on volume, claim and disk. */
export function expectSettled(scene: Scene, record: OrdinalMigration, template = 'data'): void {
  const { source, target } = claimRecord(record, template);
  const volume = scene.volume(record.spec.ordinal, template);
  const old = scene.volumes.versions.find(({ object }) => object.metadata.uid === source.pvUID)?.object;
  expect(volume.spec.csi?.volumeHandle).toBe(target?.diskId);
  expect(volume.spec.persistentVolumeReclaimPolicy, 'the reclaim policy').toBe(source.reclaimPolicy);
  expect(volume.spec.capacity).toEqual(scene.volumes.get(source.pv)?.spec.capacity ?? old?.spec.capacity);
  for (const { metadata } of [volume, scene.claim(record.spec.ordinal, template)]) {
    expect(metadata.labels ?? {}).not.toHaveProperty(MIGRATION);
    expect(metadata.labels ?? {}).not.toHaveProperty(ROLE);
  }
  const disk = scene.disk(record.spec.ordinal, template);
  expect(disk.zone).toBe(record.spec.targetZone);
  expect(Object.keys(disk.tags).filter((key) => key.startsWith('zonespread.io/')), 'tags of ours on the new disk').toEqual([]);
}

/** The pod runs on the very disk that it had, everything around it as it was, and the record says why. */
export async function expectUndone(scene: Scene, record: OrdinalMigration, reason: string | RegExp): Promise<void> {
  const { ordinal } = record.spec;
  expect(phaseOf(record)).toBe('RolledBack');
  expect(record.status?.reason).toMatch(reason);
  expect(record.status?.message ?? '', 'what it says').not.toBe('');
  await scene.untilReady(ordinal);
  for (const claim of record.status?.claims ?? []) {
    const volume = scene.volume(ordinal, claim.template);
    const first = scene.volumes.versions.find(({ object }) => object.metadata.uid === claim.source.pvUID)?.object;
    expect(volume.metadata.uid).toBe(claim.source.pvUID);
    expect(volume.spec.csi?.volumeHandle).toBe(claim.source.diskId);
    expect(volume.spec.persistentVolumeReclaimPolicy).toBe(first?.spec.persistentVolumeReclaimPolicy);
    expect(volume.metadata.labels ?? {}).not.toHaveProperty(MIGRATION);
    expect(scene.claim(ordinal, claim.template).metadata.labels ?? {}).not.toHaveProperty(MIGRATION);
    expect(scene.disk(ordinal, claim.template).tags).not.toHaveProperty(SUPERSEDED_BY);
  }
}

/** Nothing more is tried for that long, and the report says so. */
export async function expectBackOff(scene: Scene, ordinal: number): Promise<void> {
  const before = scene.migrations.all().length;
  await scene.until('the report says when it is tried again', () => (scene.report()?.status?.blocked ?? []).some((block) => block.ordinals === String(ordinal) && /tried again after/.test(block.message)));
  await scene.throughout(5_000, () => expect(scene.migrations.all()).toHaveLength(before));
}

/** Category, level, size, key, backup policy and tags of the new disk are those of the old one. */
export function expectDiskLike(scene: Scene, record: OrdinalMigration, template = 'data'): void {
  const { source, target } = claimRecord(record, template);
  const { cloud } = scene.world;
  const [old, made] = [cloud.disk(source.diskId), cloud.disk(target?.diskId ?? '')].map((disk) => {
    const { category, performanceLevel, sizeGiB, encrypted, kmsKeyId, resourceGroupId, burstingEnabled, provisionedIops, backupPolicyIds, tags = {} } = disk ?? {};
    const kept = Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('zonespread.io/') && key !== MADE_FOR_VOLUME));
    return { category, performanceLevel, sizeGiB, encrypted, kmsKeyId, resourceGroupId, burstingEnabled, provisionedIops, backupPolicyIds, tags: kept };
  });
  expect(old?.category).toBeDefined();
  expect(made).toEqual(old);
}
