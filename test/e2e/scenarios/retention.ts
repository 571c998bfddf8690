// What a move leaves behind: there until the retention has passed, gone afterwards, kept if somebody uses it again.

import { expect } from 'vitest';
import { claims, pods, volumes } from '../../../src/kubernetes/objects.ts';
import type { OrdinalMigration } from '../../../src/migration/record.ts';
import { FINALIZER } from '../names.ts';
import { claimRecord, isReady } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

const RETENTION_MS = 8_000;
const RETENTION = { 'source-retention': `${RETENTION_MS / 1_000}s`, 'snapshot-retention': `${RETENTION_MS / 1_000}s` };
/** Clocks of the daemon and of ours are the same; looking takes a moment. */
const MARGIN_MS = 500;

/** Source volume, disk and snapshot. */
export function retiredAfterTheRetention(world: World): Promise<void> {
  return inScene(world, 'retired', async (scene) => {
    const record = await moved(scene);
    const endsAt = Date.parse(record.status?.finishedAt ?? '') + RETENTION_MS;
    // The PV controller says Released when it gets to it.
    expect(left(scene, record)).toEqual({ volume: expect.stringMatching(/^(?:Released|Bound)$/), disk: 'Available', snapshot: expect.not.stringMatching('deleted') });
    await scene.until('the report lists it', () => (scene.report()?.status?.retained ?? []).some(({ diskId }) => diskId === claimRecord(record).source.diskId), { timeoutMs: RETENTION_MS });
    await scene.throughout(endsAt - MARGIN_MS - world.clock.now(), () => expect(Object.values(left(scene, record))).not.toContain(undefined));
    expect(scene.migration().metadata.finalizers).toContain(FINALIZER);

    await scene.until('volume, disk and snapshot are gone', () => Object.values(left(scene, record)).every((state) => state === undefined));
    expect(world.clock.now()).toBeGreaterThanOrEqual(endsAt);
    await scene.until('the record says so', () => {
      expect(scene.migration().status?.conditions).toContainEqual(expect.objectContaining({ type: 'SourceRetired', status: 'True' }));
      expect(scene.migration().metadata.finalizers ?? []).not.toContain(FINALIZER);
      return true;
    });
    await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith('SourceRetired')));
  });
}

/** A person binds the old volume to another claim, and a pod writes to it: it is kept, and said. */
export function keptWhenUsedAgain(world: World): Promise<void> {
  return inScene(world, 'used-again', async (scene) => {
    const record = await moved(scene);
    const { source } = claimRecord(record);
    await useAgain(scene, source.pv);

    await scene.until('the record says that it is kept and why', () => {
      expect(scene.migration().status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'SourceRetired', status: 'False', reason: 'SourceInUse', message: expect.stringContaining(source.pv) }),
      );
      return true;
    });
    await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith('SourceRetired') && text.includes(source.pv)));
    await scene.throughout(3_000, () => {
      expect(left(scene, record)).toMatchObject({ volume: 'Bound', disk: 'In_use' });
      expect(scene.volumes.get(source.pv)?.metadata, 'the old volume').not.toHaveProperty('deletionTimestamp');
      expect(isReady(scene.pods.get('forensics'))).toBe(true);
    });
    return { usedAgain: [source.diskId] };
  });
}

async function moved(scene: Scene): Promise<OrdinalMigration> {
  const { a, b } = scene.world.zones;
  await scene.createSet({ replicas: 2 });
  await scene.startDaemon();
  await scene.annotate({ zones: `${a},${b}`, ...RETENTION });
  return scene.untilPhase('Succeeded');
}

/** State of each; undefined when it is gone. */
function left(scene: Scene, record: OrdinalMigration): Record<'volume' | 'disk' | 'snapshot', string | undefined> {
  const { source, snapshot } = claimRecord(record);
  const { cloud } = scene.world;
  return {
    volume: scene.volumes.get(source.pv)?.status?.phase,
    disk: gone(cloud.disk(source.diskId)?.status),
    snapshot: gone(cloud.snapshot(snapshot?.id ?? '')?.status),
  };
}

function gone(status: string | undefined): string | undefined {
  return status?.toLowerCase() === 'deleted' ? undefined : status;
}

/** As one looks at an old state: the released volume is given to a claim of another name, and a pod mounts that. */
async function useAgain(scene: Scene, volumeName: string): Promise<void> {
  const { api, tolerations } = scene.world;
  const volume = scene.volumes.get(volumeName);
  const name = 'forensics';
  await api.mergePatch(volumes, { name: volumeName }, { spec: { claimRef: { name, namespace: scene.namespace, uid: null, resourceVersion: null } } });
  await api.create(claims, {
    metadata: { namespace: scene.namespace, name },
    spec: { accessModes: ['ReadWriteOnce'], volumeName, storageClassName: volume?.spec.storageClassName ?? '', resources: { requests: { storage: '20Gi' } } },
  });
  await api.create(pods, {
    metadata: { namespace: scene.namespace, name },
    spec: { tolerations, containers: [{ name: 'main', image: 'none' }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }] },
  });
  await scene.until('the pod that looks at the old disk runs', () => isReady(scene.pods.get(name)));
}
