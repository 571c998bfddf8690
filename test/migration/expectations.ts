// What must hold whenever a migration has come to rest, whatever happened on the way.

import { expect } from 'vitest';
import { claims, pods, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, phaseOf, type OrdinalMigration } from '../../src/migration/record.ts';
import { isPlaceholder } from '../../src/migration/reservation/placeholder.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import type { Stage } from './stage.ts';

/** Ended, or waiting for a person with a reason. */
export function atRest(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Frozen' && record.status?.reason !== 'Reversing';
}

/** Lets the cluster run until the pod is Ready, or nothing more can be expected. */
export async function letPodStart(stage: Stage, ordinal = 0): Promise<void> {
  for (let round = 0; round < 50 && !stage.ready(ordinal); round += 1) {
    await stage.clock.advance(200);
    await stage.settle();
  }
}

/** The disk that the claim is on has every write that was ever acknowledged. (A pod that starts without one makes the stage throw.) */
export function expectEveryWrite(stage: Stage, where = '', claimName = 'data-web-0'): void {
  expect(stage.ecs.contents(stage.diskOf(claimName)).map(({ writer }) => writer), where).toEqual(stage.acknowledged.get(claimName));
}

/** The claim, with what people had put on it (see the stage's scene), and nothing of ours, whoever made it again. */
export function expectClaimAsItWas(stage: Stage, where = ''): void {
  const { labels, annotations } = stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.metadata ?? {};
  expect(labels, where).toEqual({ app: 'web', team: 'db' });
  expect(annotations, where).toMatchObject({ note: 'by hand' });
}

/** Ready, with every write, whether moved or not; nothing left behind after the retentions but the disks that claims are on. */
export async function expectWhole(stage: Stage, where = ''): Promise<void> {
  await letPodStart(stage);
  expect(stage.ready(), where).toBe(true);
  expectEveryWrite(stage, where);
  expectClaimAsItWas(stage, where);
  expect(stage.api.readAll(pods).filter(isPlaceholder).map(({ metadata }) => metadata.name), where).toEqual([]);
  await stage.retireAll();
  const disk = stage.diskOf('data-web-0');
  expect(stage.ecs.disks().map(({ id }) => id), where).toEqual([disk]);
  expect(stage.ecs.snapshots().map(({ id }) => id), where).toEqual([]);
  expect(stage.api.readAll(volumes).map((pv) => [pv.spec.csi?.volumeHandle, pv.spec.persistentVolumeReclaimPolicy]), where).toEqual([[disk, 'Delete']]);
}

export function records(stage: Stage): OrdinalMigration[] {
  return stage.api.readAll(ordinalMigrations);
}
