// The CSI resizer, and the kubelet's part of it: a bound claim that asks for more gets a bigger disk, then a bigger volume, and shows the
// new capacity once a pod runs on it (the file system grows on the node).

import { claims, pods, storageClasses, volumes, type Condition, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { compareQuantities, gibRoundedUp } from '../../kubernetes/quantity.ts';
import { areBound, storageCapacity, storageRequest } from '../../kubernetes/reading.ts';
import type { EcsCall } from '../../ports/ecs-call.ts';
import { timestamp } from '../../ports/clock.ts';
import { codeOf } from '../csi/disk-creation.ts';
import { CsiError } from '../csi/error.ts';
import { DISK_DRIVER } from '../csi/names.ts';
import { csiRefusal } from './driver-calls.ts';
import { EventWriter, wholeSeconds } from './events.ts';
import { keyOf, namespacedRefOf } from './informer.ts';
import { claimNamesOf } from './protection.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

const PENDING = 'FileSystemResizePending';
const RETRY = { firstMs: 1_000, longestMs: 300_000 };

export class Resizer extends Controller {
  readonly #ecs: EcsCall;
  readonly #claims = this.informer(claims);
  readonly #volumes = this.informer(volumes);
  readonly #classes = this.informer(storageClasses);
  readonly #pods = this.informer(pods);
  readonly #events: EventWriter;
  readonly #queue = this.worker({ retry: RETRY, reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting, ecs: EcsCall) {
    super(setting, kubeSystemAccount('alicloud-csi-resizer'));
    this.#ecs = ecs;
    this.#events = new EventWriter(setting, this.client, `external-resizer ${DISK_DRIVER}`);
    this.#claims.onChange(({ object }) => this.#queue.add(keyOf(object)));
    this.#pods.onChange(({ object }) => {
      for (const name of claimNamesOf(object)) this.#queue.add(`${object.metadata.namespace ?? ''}/${name}`);
    });
  }

  async #sync(key: string): Promise<void> {
    const claim = this.#claims.get(namespacedRefOf(key));
    const volume = this.#volumes.get({ name: claim?.spec.volumeName ?? '' });
    if (claim === undefined || volume === undefined || !this.#isExpandable(claim, volume)) return;
    if (compareQuantities(storageRequest(claim), storageCapacity(volume)) > 0) await this.#expand(claim, volume);
    else if (isPending(claim) && this.#runs(claim)) await this.#finish(claim, volume);
  }

  #isExpandable(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
    const allowed = this.#classes.get({ name: claim.spec.storageClassName ?? '' })?.allowVolumeExpansion === true;
    return allowed && volume.spec.csi?.driver === DISK_DRIVER && areBound(claim, volume);
  }

  async #resizeDisk(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    try {
      await this.#ecs.call('ResizeDisk', { DiskId: volume.spec.csi?.volumeHandle, NewSize: gibRoundedUp(storageRequest(claim)), Type: 'online' });
    } catch (error) {
      // A repetition: the disk has grown, the answer or what came after it was lost.
      if (codeOf(error) === 'InvalidDiskSize.TooSmall') return;
      const message = `resize volume "${volume.metadata.name}" failed: ${error instanceof Error ? error.message : String(error)}`;
      this.#events.write(claims, claim, { type: 'Warning', reason: 'VolumeResizeFailed', message });
      throw csiRefusal(new CsiError('INTERNAL', message, error));
    }
  }

  async #expand(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const wanted = storageRequest(claim);
    await this.#resizeDisk(claim, volume);
    await this.client.mergePatch(volumes, { name: volume.metadata.name }, { metadata: { resourceVersion: volume.metadata.resourceVersion }, spec: { capacity: { storage: wanted } } });
    const pending: Condition = {
      type: PENDING,
      status: 'True',
      message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
      lastTransitionTime: wholeSeconds(timestamp(this.setting.tasks)),
    };
    await this.client.updateStatus(claims, { ...claim, status: { ...claim.status, conditions: [...othersOf(claim), pending] } });
  }

  #runs(claim: PersistentVolumeClaim): boolean {
    return this.#pods.list(claim.metadata.namespace).some((pod) => pod.status?.phase === 'Running' && claimNamesOf(pod).includes(claim.metadata.name));
  }

  async #finish(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    await this.client.updateStatus(claims, { ...claim, status: { ...claim.status, capacity: volume.spec.capacity ?? {}, conditions: othersOf(claim) } });
  }
}

function isPending(claim: PersistentVolumeClaim): boolean {
  return claim.status?.conditions?.some(({ type }) => type === PENDING) === true;
}

function othersOf(claim: PersistentVolumeClaim): Condition[] {
  return (claim.status?.conditions ?? []).filter(({ type }) => type !== PENDING);
}
