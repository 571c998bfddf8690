// What becomes of volumes and disks when their claims go, and how a volume comes back.

import { pods, storageClasses, volumes } from '../../../src/kubernetes/objects.ts';
import { volumePhase } from '../../../src/kubernetes/reading.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { HOME, type ClassName } from '../world.ts';
import { MODES } from './axes.ts';

const DRIVER = 'diskplugin.csi.alibabacloud.com';
const HELD = 'external-provisioner.volume.kubernetes.io/finalizer';

/** A claim with a disk that was made for it, by a pod that has gone again where it takes one. @returns the name of the volume. */
async function provisioned(stage: Stage, storageClass: ClassName): Promise<string> {
  await stage.createClaim('data', { storageClass });
  if (storageClass.startsWith('waits')) {
    await stage.createPod('first', ['data']);
    await stage.untilPodNamed('first', 'ready');
    await stage.world.api.delete(pods, stage.ref('first'));
    await stage.until('the pod is gone', () => stage.podNamed('first') === undefined);
    await stage.until('the disk is free', () => stage.disk(stage.volumeNamed(stage.claim('data')?.spec.volumeName))?.status === 'Available');
  }
  await stage.untilBound('data');
  return stage.claim('data')?.spec.volumeName ?? '';
}

function noteVolume(stage: Stage, what: string, name: string, diskId: string): void {
  const volume = stage.volumeNamed(name);
  stage.note(what, { volume: volume === undefined ? 'gone' : volumePhase(volume), disk: stage.world.cloud.disk(diskId)?.status });
}

const diskOf = (stage: Stage, name: string): string => stage.volumeNamed(name)?.spec.csi?.volumeHandle ?? '';

const ENDS: Scenario[] = (['waits', 'at-once', 'waits-retaining', 'at-once-retaining'] as const).map((storageClass) => ({
  name: `the end of a claim with a disk of the provisioner (${storageClass})`,
  facts: ['trap-4a', ...(storageClass.endsWith('retaining') ? (['claims-6'] as const) : [])],
  async play(stage) {
    const name = await provisioned(stage, storageClass);
    const disk = diskOf(stage, name);
    await stage.calm();
    await stage.deleteClaim('data');
    await stage.until('the volume is dealt with', () => (storageClass.endsWith('retaining') ? stage.volumeNamed(name)?.status?.phase === 'Released' : stage.volumeNamed(name) === undefined));
    await stage.calm();
    noteVolume(stage, 'then', name, disk);
    await stage.createClaim('data', { storageClass });
    if (storageClass.startsWith('at-once')) await stage.untilBound('data');
    await stage.calm();
    noteVolume(stage, 'with another claim of the name', name, disk);
    stage.note('that claim is', stage.bindingOf(stage.claim('data')));
  },
}));

const FLIPPED: Scenario[] = (['before', 'after'] as const).map((when) => ({
  name: `a volume of the provisioner that is set to Retain ${when === 'before' ? 'before its claim goes' : 'and back to Delete after its claim has gone'}`,
  facts: ['trap-4a', 'claims-11', ...(when === 'after' ? (['tried-sidecars-2'] as const) : [])],
  async play(stage) {
    const name = await provisioned(stage, 'waits');
    const disk = diskOf(stage, name);
    const isHeld = (): boolean => stage.volumeNamed(name)?.metadata.finalizers?.includes(HELD) === true;
    await stage.until('the provisioner holds it', isHeld);
    await stage.retain(stage.volumeNamed(name));
    await stage.until('the provisioner lets go', () => !isHeld());
    await stage.deleteClaim('data');
    await stage.calm();
    noteVolume(stage, 'set to Retain', name, disk);
    if (when === 'before') return;
    await stage.retain(stage.volumeNamed(name), 'Delete');
    await stage.until('the volume is gone', () => stage.volumeNamed(name) === undefined);
    noteVolume(stage, 'set to Delete again', name, disk);
  },
}));

const MOVED: Scenario[] = (['with', 'without'] as const).map((marked) => ({
  name: `a moved volume ${marked} provisioned-by that is set to Delete, and then loses its claim`,
  facts: ['claims-8', 'tried-sidecars-1'],
  async play(stage) {
    await stage.createVolume('new', { claim: 'data', ...(marked === 'with' ? { annotations: { 'pv.kubernetes.io/provisioned-by': DRIVER } } : {}) });
    await stage.createClaim('data', { volumeName: 'new' });
    await stage.touchClaim('data');
    await stage.untilBound('data');
    const disk = diskOf(stage, stage.own('new'));
    await stage.retain(stage.volume('new'), 'Delete');
    await stage.calm();
    stage.note('the provisioner holds it', stage.volume('new')?.metadata.finalizers?.includes(HELD) === true);
    await stage.deleteClaim('data');
    await stage.until('the volume is dealt with', () => marked === 'without' || stage.volume('new') === undefined);
    // Without the mark the PV controller may call it Failed before the provisioner looks.
    if (marked === 'with') noteVolume(stage, 'then', stage.own('new'), disk);
  },
  tells: [],
}));

/** A volume at home that has lost its claim, Retain. */
async function released(stage: Stage, storageClass: ClassName): Promise<void> {
  await stage.createVolume('old', { claim: 'data', storageClass, zone: HOME });
  await stage.until('the volume is Available', () => volumePhase(stage.volume('old')!) === 'Available');
  await stage.createClaim('data', { storageClass, volumeName: 'old' });
  await stage.untilBound('data');
  await stage.deleteClaim('data');
  await stage.untilPhase(stage.volume('old'), 'Released');
}

const RELEASED: Scenario[] = MODES.flatMap((mode): Scenario[] => [
  {
    name: `a Released volume and the next claim of its name (${mode}, found)`,
    facts: ['claims-5'],
    async play(stage) {
      await released(stage, mode);
      await stage.createClaim('data', { storageClass: mode });
      if (mode === 'at-once') await stage.untilBound('data');
      await stage.calm();
      stage.note('the claim is', stage.bindingOf(stage.claim('data')));
      stage.note('the volume', volumePhase(stage.volume('old')!));
    },
  },
  {
    name: `a Released volume and the next claim of its name (${mode}, named)`,
    facts: ['claims-5'],
    async play(stage) {
      await released(stage, mode);
      await stage.createClaim('data', { storageClass: mode, volumeName: 'old' });
      await stage.until('the trouble is told', () => stage.events('data', 'FailedBinding').length > 0);
      await stage.calm();
      stage.note('the claim is', stage.bindingOf(stage.claim('data')));
      stage.note('the volume', volumePhase(stage.volume('old')!));
      await stage.free(stage.volume('old'));
      await stage.touchClaim('data');
      await stage.untilBound('data');
      stage.note('once it has forgotten', stage.bindingOf(stage.claim('data')));
    },
  },
  {
    name: `a Released volume that forgets the UID (${mode}) is for claims of that name alone`,
    facts: ['trap-5a'],
    async play(stage) {
      await released(stage, mode);
      await stage.free(stage.volume('old'));
      await stage.createClaim('other', { storageClass: mode });
      if (mode === 'at-once') await stage.untilBound('other');
      await stage.calm();
      stage.note('another claim is', stage.bindingOf(stage.claim('other')));
      await stage.createClaim('data', { storageClass: mode });
      await stage.untilBound('data');
      stage.note('the claim of that name is', stage.bindingOf(stage.claim('data')));
    },
  },
  {
    name: `a Released volume that forgets its whole claim (${mode}) is for anybody`,
    facts: ['trap-5b'],
    async play(stage) {
      const name = await ownClass(stage, mode);
      await released(stage, name);
      await stage.patchVolume(stage.own('old'), { spec: { claimRef: null } });
      await stage.untilPhase(stage.volume('old'), 'Available');
      await stage.createClaim('other', { storageClass: name });
      await stage.createPod('one', ['other']);
      await stage.untilBound('other');
      stage.note('another claim is', stage.bindingOf(stage.claim('other')));
    },
  },
]);

async function ownClass(stage: Stage, mode: string): Promise<ClassName> {
  const name = stage.own('own');
  await stage.world.api.create(storageClasses, { metadata: { name }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: mode === 'waits' ? 'WaitForFirstConsumer' : 'Immediate' });
  return name as ClassName;
}

const DELETED: Scenario = {
  name: 'a Bound volume that is deleted stays until its claim is gone',
  facts: ['trap-4a'],
  async play(stage) {
    await stage.createVolume('old', { claim: 'data', zone: HOME });
    await stage.createClaim('data', { volumeName: 'old' });
    await stage.touchClaim('data');
    await stage.untilBound('data');
    await stage.world.api.delete(volumes, { name: stage.own('old') });
    await stage.calm();
    stage.note('the claim is', stage.claim('data')?.status?.phase);
    await stage.deleteClaim('data');
    await stage.until('the volume is gone', () => stage.volume('old') === undefined);
  },
  byChance: ['claim data#1'],
  tells: ['claim'],
};

export const RECLAIMING: readonly Scenario[] = [...ENDS, ...FLIPPED, ...MOVED, ...RELEASED, DELETED];
