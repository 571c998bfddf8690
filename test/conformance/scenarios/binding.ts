// Which volume a claim gets: prepared ones, late ones, ones that do not fit, two at once, and what annotations that were copied do.

import { claims, storageClasses } from '../../../src/kubernetes/objects.ts';
import { storageCapacity, volumePhase } from '../../../src/kubernetes/reading.ts';
import { isMadeByProvisioner } from '../chronicle.ts';
import { HOME } from '../world.ts';
import type { Scenario } from '../scenario.ts';
import type { ClaimOptions, Stage, VolumeOptions } from '../stage.ts';
import { MODES } from './axes.ts';

async function available(stage: Stage, name: string, options: VolumeOptions): Promise<void> {
  await stage.createVolume(name, options);
  await stage.until(`volume ${name} is Available`, () => volumePhase(stage.volume(name)!) === 'Available');
}

async function noteBinding(stage: Stage): Promise<void> {
  await stage.calm();
  stage.note('the claim is', stage.bindingOf(stage.claim('data')));
  stage.note('its capacity', stage.claim('data')?.status?.capacity?.['storage'] ?? 'none');
  stage.note('blank disks', blankDisks(stage));
}

function blankDisks(stage: Stage): number {
  return stage.volumes().filter(({ metadata }) => isMadeByProvisioner(metadata.name)).length;
}

/** A volume and a claim for each other, and how the claim is bound when the volume was there first. */
interface Pairing {
  volume?: VolumeOptions;
  claim?: ClaimOptions;
  /** A claim that waits for nobody gets a blank disk instead. */
  unfit?: true;
  facts?: Scenario['facts'];
}

const PAIRINGS: Record<string, Pairing> = {
  'as big as it asks for': { facts: ['trap-2a'] },
  'bigger than it asks for': { volume: { size: '30Gi' } },
  'smaller than it asks for': { unfit: true, volume: { size: '20Gi' }, claim: { size: '40Gi' } },
  'of another class': { volume: { storageClass: 'waits-retaining' } },
  'of another volume mode': { unfit: true, volume: { spec: { volumeMode: 'Block' } } },
  'of another access mode': { unfit: true, volume: { spec: { accessModes: ['ReadOnlyMany'] } } },
  'without a class, as it is itself': { volume: { storageClass: '' }, claim: { storageClass: '' } },
};

const PREPARED: Scenario[] = MODES.flatMap((mode) =>
  (['named', 'found'] as const).flatMap((way) =>
    Object.entries(PAIRINGS).map(
      ([what, { volume = {}, claim = {}, unfit = false, facts = [] }]): Scenario => ({
        name: `a volume ${what} that was prepared for a claim (${mode}) and is ${way} by it`,
        facts: ['tried-binding-3', ...(way === 'found' && mode === 'at-once' && unfit ? (['trap-2c'] as const) : []), ...facts],
        async play(stage) {
          await available(stage, 'new', { claim: 'data', storageClass: mode, ...volume });
          await stage.createClaim('data', { storageClass: mode, ...claim, ...(way === 'named' ? { volumeName: 'new' } : {}) });
          if (!unfit || (way === 'found' && mode === 'at-once')) await stage.untilBound('data');
          await noteBinding(stage);
        },
      }),
    ),
  ),
);

const LATE: Scenario[] = MODES.flatMap((mode) =>
  (['named', 'found'] as const)
    // One that waits for nobody is provisioned before its volume comes.
    .filter((way) => way === 'named' || mode === 'waits')
    .map((way) => ({
      name: `a volume that comes after its claim (${mode}, ${way}) is bound when the claim is touched`,
      facts: ['tried-binding-2'],
      async play(stage) {
        await stage.createClaim('data', { storageClass: mode, ...(way === 'named' ? { volumeName: 'new' } : {}) });
        await stage.calm();
        await stage.createVolume('new', { claim: 'data', storageClass: mode });
        await stage.until('the volume is looked at', () => ['Available', 'Bound'].includes(volumePhase(stage.volume('new')!)));
        await stage.touchClaim('data');
        await stage.untilBound('data');
        await noteBinding(stage);
      },
    })),
);

const BY_RESYNC: Scenario[] = MODES.map((mode) => ({
  name: `a volume that comes after the claim that names it (${mode}) is bound in the end, by the resync`,
  facts: ['tried-binding-2'],
  async play(stage) {
    await stage.createClaim('data', { storageClass: mode, volumeName: 'new' });
    await stage.calm();
    await stage.createVolume('new', { claim: 'data', storageClass: mode });
    await stage.untilBound('data');
    await noteBinding(stage);
  },
}));

const COPIED: Record<string, Record<string, string>> = {
  'bind-completed': { 'pv.kubernetes.io/bind-completed': 'yes' },
  'bind-completed and bound-by-controller': { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' },
  'bound-by-controller': { 'pv.kubernetes.io/bound-by-controller': 'yes' },
  'storage-provisioner': { 'volume.kubernetes.io/storage-provisioner': 'diskplugin.csi.alibabacloud.com', 'volume.beta.kubernetes.io/storage-provisioner': 'diskplugin.csi.alibabacloud.com' },
  'selected-node': { 'volume.kubernetes.io/selected-node': 'node-a1' },
};

const STRIPPED: Scenario[] = MODES.flatMap((mode) =>
  (['named', 'found'] as const).flatMap((way) =>
    Object.entries(COPIED).map(([what, annotations]): Scenario => {
      const racy = what === 'storage-provisioner' && mode === 'at-once' && way === 'found';
      return {
        name: `a claim (${mode}) that comes with ${what}, its prepared volume ${way}`,
        facts: [what.startsWith('bind-completed') ? 'trap-3a' : 'trap-3c'],
        async play(stage) {
          await available(stage, 'new', { claim: 'data', storageClass: mode });
          await stage.createClaim('data', { storageClass: mode, annotations, ...(way === 'named' ? { volumeName: 'new' } : {}) });
          await stage.until('it is bound or lost', () => stage.bindingOf(stage.claim('data')) !== 'not bound');
          // The provisioner may be faster than the PV controller, and then either volume is bound.
          if (racy) return;
          await noteBinding(stage);
          if (stage.bindingOf(stage.claim('data')) !== 'lost') return;
          await stage.world.api.mergePatch(claims, stage.ref('data'), { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': null } } });
          await stage.until('it heals', () => stage.bindingOf(stage.claim('data')) !== 'lost');
          await stage.calm();
          stage.note('healed, it is', stage.bindingOf(stage.claim('data')));
        },
        tells: racy ? [] : ['claim'],
      };
    }),
  ),
);

const SELECTED: Scenario[] = (['with', 'without'] as const).map((kept) => ({
  name: `a claim ${kept} selected-node behind a gate, for which no volume is prepared`,
  facts: ['trap-3b', 'tried-binding-4'],
  async play(stage) {
    await stage.createClaim('data', kept === 'with' ? { annotations: { 'volume.kubernetes.io/selected-node': 'node-a1' } } : {});
    await stage.createPod('one', ['data'], { schedulingGates: [{ name: 'test/gate' }] });
    if (kept === 'with') await stage.untilBound('data');
    await noteBinding(stage);
  },
}));

const TWO: Scenario[] = MODES.map((mode) => ({
  name: `two volumes that are prepared for one name (${mode})`,
  facts: ['trap-5c'],
  async play(stage) {
    for (const name of ['one', 'two']) await available(stage, name, { claim: 'data', storageClass: mode });
    await stage.createClaim('data', { storageClass: mode });
    await stage.untilBound('data');
    await stage.calm();
    stage.note('bound to one of them', ['bound to one', 'bound to two'].includes(stage.bindingOf(stage.claim('data'))));
    stage.note('the phases', stage.volumes().map((volume) => volumePhase(volume)).toSorted());
  },
  tells: ['pod'],
}));

const MANY: Scenario[] = (['named', 'found'] as const).map((way) => ({
  name: `twenty claims at once, their volumes ${way}`,
  facts: ['tried-binding-1'],
  async play(stage) {
    const names = Array.from({ length: 20 }, (_, index) => `data-${index}`);
    await Promise.all(names.map((name) => available(stage, `for-${name}`, { claim: name })));
    await Promise.all(names.map((name) => stage.createClaim(name, way === 'named' ? { volumeName: `for-${name}` } : {})));
    await stage.until('all are bound', () => names.every((name) => stage.bindingOf(stage.claim(name)) === `bound to for-${name}`), 10_000);
    stage.note('all are bound to their own', true);
  },
}));

const WITHOUT_CLASS: Scenario = {
  name: 'a claim without a class gets the default class of the day',
  facts: ['trap-2d', 'trap-2c'],
  async play(stage) {
    const { api } = stage.world;
    await stage.createClaim('before', { storageClass: null });
    const name = stage.own('of-the-day');
    await api.create(storageClasses, {
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'diskplugin.csi.alibabacloud.com',
      parameters: { type: 'cloud_essd', zoneId: HOME },
      volumeBindingMode: 'Immediate',
    });
    stage.atTheEnd(async () => {
      await api.delete(storageClasses, { name });
    });
    await stage.until('the class is seen', () => stage.claim('before') !== undefined);
    let number = 0;
    const made = (): string => `after-${number}`;
    // The API server's own informer shows the class a moment later.
    do {
      number += 1;
      await stage.createClaim(made(), { storageClass: null });
    } while (stage.claim(made())?.spec.storageClassName === undefined && number < 50);
    await stage.untilBound(made());
    stage.note('after', stage.claim(made())?.spec.storageClassName === name);
    stage.note('it is', stage.bindingOf(stage.claim(made())));
    stage.note('an empty class stays empty', await emptyClass(stage));
  },
  tells: ['pod'],
};

async function emptyClass(stage: Stage): Promise<boolean> {
  await stage.createClaim('empty', { storageClass: '' });
  return stage.claim('empty')?.spec.storageClassName === '';
}

const UNCLAIMED: Scenario[] = MODES.map((mode) => ({
  name: `a volume that is nobody's and fits (${mode})`,
  facts: ['trap-5b'],
  async play(stage) {
    // A class of its own, so that no claim of another play finds it.
    const name = stage.own('own');
    await stage.world.api.create(storageClasses, { metadata: { name }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: mode === 'waits' ? 'WaitForFirstConsumer' : 'Immediate' });
    // Until the PV controller sees the class, it waits for nobody.
    await stage.calm();
    await available(stage, 'free', { storageClass: name, zone: HOME });
    await stage.createClaim('data', { storageClass: name });
    // The PV controller may look before it knows itself that the volume is Available, and then only when the claim is touched.
    if (mode === 'at-once') await stage.nudgeUntil('the claim is bound', () => stage.touchClaim('data'), () => stage.bindingOf(stage.claim('data')).startsWith('bound'));
    await stage.calm();
    stage.note('before a pod it is', stage.bindingOf(stage.claim('data')));
    await stage.createPod('one', ['data']);
    await stage.untilPodNamed('one', 'ready');
    stage.note('with a pod it is', stage.bindingOf(stage.claim('data')));
    stage.note('capacity', storageCapacity(stage.volume('free')!));
  },
}));

export const BINDING: readonly Scenario[] = [...PREPARED, ...LATE, ...BY_RESYNC, ...STRIPPED, ...SELECTED, ...TWO, ...MANY, WITHOUT_CLASS, ...UNCLAIMED];
