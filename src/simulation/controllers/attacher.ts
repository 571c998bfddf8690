// The CSI attacher: does what VolumeAttachments ask for at the driver, one disk beside the other, and keeps its finalizers on the
// attachment and on the volume until it has taken it back.

import { csiNodes, volumeAttachments, volumes, type VolumeAttachment } from '../../kubernetes/objects.ts';
import { isTerminating } from '../../kubernetes/reading.ts';
import type { DiskController } from '../csi/controller.ts';
import { DISK_DRIVER } from '../csi/names.ts';
import { csiErrorOf, csiRefusal } from './driver-calls.ts';
import { keyOf, refOf } from './informer.ts';
import { removeFinalizer, withFinalizer } from './protection.ts';
import { ifThere } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';
import type { Worker } from './worker.ts';

export const ATTACHER_FINALIZER = 'external-attacher/diskplugin-csi-alibabacloud-com';
const RETRY = { firstMs: 1_000, longestMs: 300_000 };

export class Attacher extends Controller {
  readonly #driver: DiskController;
  readonly #attachments = this.informer(volumeAttachments);
  readonly #volumes = this.informer(volumes);
  readonly #csiNodes = this.informer(csiNodes);
  /** One each: a disk that takes its time holds up no other. */
  readonly #workers = new Map<string, Worker>();
  readonly #volumeQueue = this.worker({ reconcile: (key) => this.#releaseVolume(key) });
  readonly #end = new AbortController();

  constructor(setting: Setting, driver: DiskController) {
    super(setting, kubeSystemAccount('alicloud-csi-attacher'));
    this.#driver = driver;
    this.#attachments.onChange(({ object, previous }) => {
      // Its own complaint in the status is no reason to try again before the back-off is over.
      if (previous === undefined || stateOf(previous) !== stateOf(object)) this.#workerOf(keyOf(object)).add(keyOf(object));
      this.#volumeQueue.add(object.spec.source.persistentVolumeName ?? '');
    });
    this.#volumes.onChange(({ object }) => {
      if (isTerminating(object)) this.#volumeQueue.add(keyOf(object));
    });
  }

  #workerOf(key: string): Worker {
    const known = this.#workers.get(key) ?? this.worker({ retry: RETRY, reconcile: (name) => this.#sync(name) });
    this.#workers.set(key, known);
    return known;
  }

  async #sync(name: string): Promise<void> {
    const attachment = this.#attachments.get({ name });
    if (attachment === undefined || attachment.spec.attacher !== DISK_DRIVER) return;
    if (isTerminating(attachment)) await this.#detach(attachment);
    else if (attachment.status?.attached !== true) await this.#attach(attachment);
  }

  async #attach(attachment: VolumeAttachment): Promise<void> {
    const held = await this.#hold(attachment);
    const volume = await this.#holdVolume(attachment.spec.source.persistentVolumeName ?? '');
    if (held === undefined || volume === undefined) return;
    const { serialNumber } = await this.#atDriver(held, 'attachError', () => this.#driver.publish(volume, this.#instanceOf(attachment), this.#end.signal));
    await ifThere(this.#status(held, { attached: true, attachmentMetadata: { serial: serialNumber }, attachError: null }));
  }

  async #detach(attachment: VolumeAttachment): Promise<void> {
    if (attachment.metadata.finalizers?.includes(ATTACHER_FINALIZER) !== true) return;
    const handle = this.#volumes.get({ name: attachment.spec.source.persistentVolumeName ?? '' })?.spec.csi?.volumeHandle;
    if (handle !== undefined) await this.#atDriver(attachment, 'detachError', () => this.#driver.unpublish(handle, this.#instanceOf(attachment), this.#end.signal));
    const live = await this.client.get(volumeAttachments, { name: attachment.metadata.name });
    if (live !== undefined) await removeFinalizer(this.client, { resource: volumeAttachments, object: live, finalizer: ATTACHER_FINALIZER });
  }

  async #hold(attachment: VolumeAttachment): Promise<VolumeAttachment | undefined> {
    if (attachment.metadata.finalizers?.includes(ATTACHER_FINALIZER) === true) return attachment;
    return ifThere(this.client.update(volumeAttachments, withFinalizer(attachment, ATTACHER_FINALIZER)));
  }

  /** @returns its handle; undefined when there is no such volume. */
  async #holdVolume(name: string): Promise<string | undefined> {
    const volume = await this.client.get(volumes, { name });
    if (volume === undefined) return undefined;
    if (volume.metadata.finalizers?.includes(ATTACHER_FINALIZER) !== true && !isTerminating(volume)) {
      const finalizers = [...(volume.metadata.finalizers ?? []), ATTACHER_FINALIZER];
      await this.client.mergePatch(volumes, { name }, { metadata: { uid: volume.metadata.uid, resourceVersion: volume.metadata.resourceVersion, finalizers } });
    }
    return volume.spec.csi?.volumeHandle;
  }

  /** What the driver refuses is shown in the attachment, and tried again. */
  async #atDriver<T>(attachment: VolumeAttachment, field: 'attachError' | 'detachError', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const error = csiErrorOf(cause);
      await ifThere(this.#status(attachment, { attached: attachment.status?.attached ?? false, [field]: { message: error.message } }));
      throw csiRefusal(error);
    }
  }

  #status(attachment: VolumeAttachment, status: Record<string, unknown>): Promise<VolumeAttachment> {
    return this.client.mergePatch(volumeAttachments, { name: attachment.metadata.name }, { metadata: { uid: attachment.metadata.uid }, status }, { subresource: 'status' });
  }

  #instanceOf({ spec }: VolumeAttachment): string {
    const drivers = this.#csiNodes.get({ name: spec.nodeName })?.spec.drivers;
    // A node whose objects are gone: the driver's own names for it are what is left.
    return drivers?.find(({ name }) => name === DISK_DRIVER)?.nodeID ?? `i-${spec.nodeName}`;
  }

  /** A volume that is being deleted is let go when nothing attaches it any more. */
  async #releaseVolume(name: string): Promise<void> {
    const volume = this.#volumes.get(refOf(name));
    if (volume === undefined || !isTerminating(volume) || volume.metadata.finalizers?.includes(ATTACHER_FINALIZER) !== true) return;
    const attached = this.#attachments.list().some(({ spec }) => spec.source.persistentVolumeName === name);
    if (!attached) await removeFinalizer(this.client, { resource: volumes, object: volume, finalizer: ATTACHER_FINALIZER });
  }
}

function stateOf({ metadata, status }: VolumeAttachment): string {
  return JSON.stringify([metadata.uid, metadata.deletionTimestamp, metadata.finalizers, status?.attached]);
}
