// The attach-detach controller: a volume is attached to the node of a scheduled pod that uses it, and detached when no such pod is left
// and the kubelet no longer lists it in volumesInUse. Of a node that is NotReady or gone it is taken after six minutes all the same.
// It asks by VolumeAttachment; the CSI attacher does it.

import { createHash } from 'node:crypto';
import { claims, nodes, pods, volumeAttachments, volumes, type Node, type PersistentVolume, type Pod, type VolumeAttachment } from '../../kubernetes/objects.ts';
import { areBound, isScheduled, isTrue, uidOf } from '../../kubernetes/reading.ts';
import { uniqueVolumeName } from '../csi/names.ts';
import { EventWriter } from './events.ts';
import { ifThere, unless } from './refusals.ts';
import { claimNamesOf } from './protection.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
const FORCE_DETACH_MS = 6 * 60_000;
/** The controller looks at everything this often while something is not as it should be. */
const LOOP_MS = 100;
const EVERYTHING = 'everything';

/** A volume that is, or is to be, on a node. */
interface Place {
  node: string;
  volume: PersistentVolume;
}

interface Leaving {
  since: number;
  /** Volumes that the node had in use when its object was last seen. */
  inUse: boolean;
}

export class AttachDetachController extends Controller {
  readonly #pods = this.informer(pods);
  readonly #claims = this.informer(claims);
  readonly #volumes = this.informer(volumes);
  readonly #nodes = this.informer(nodes);
  readonly #attachments = this.informer(volumeAttachments);
  readonly #events: EventWriter;
  readonly #queue = this.worker({ reconcile: () => this.#reconcile(), retry: { firstMs: LOOP_MS, longestMs: 120_000 } });
  /** Attachments that another one stands in the way of, and of which that has been said: once for as long as they are wanted. */
  readonly #reported = new Set<string>();
  /** By attachment: since when nobody wants it. */
  readonly #leaving = new Map<string, Leaving>();
  /** Last known volumesInUse of each node, its end survived. */
  readonly #inUse = new Map<string, ReadonlySet<string>>();

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('attachdetach-controller'));
    this.#events = new EventWriter(setting, this.client, 'attachdetach-controller');
    const wake = (): void => this.#queue.add(EVERYTHING);
    this.#attachments.onChange(({ type, object }) => {
      if (type === 'DELETED') this.#leaving.delete(object.metadata.name);
    });
    for (const informer of [this.#pods, this.#claims, this.#volumes, this.#attachments]) informer.onChange(wake);
    this.#nodes.onChange(({ type, object }) => {
      if (type !== 'DELETED') this.#inUse.set(object.metadata.name, new Set(object.status?.volumesInUse));
      wake();
    });
  }

  async #reconcile(): Promise<number | void> {
    const wanted = new Map(this.#pods.list().flatMap((pod) => this.#placesOf(pod).map((place): [string, { place: Place; pod: Pod }] => [attachmentName(place), { place, pod }])));
    let waits = false;
    for (const attachment of this.#attachments.list()) {
      if (wanted.has(attachment.metadata.name)) this.#leaving.delete(attachment.metadata.name);
      else waits = (await this.#detach(attachment)) || waits;
    }
    for (const name of this.#reported) if (!wanted.has(name)) this.#reported.delete(name);
    for (const { place, pod } of wanted.values()) waits = (await this.#attach(place, pod)) || waits;
    await this.#report();
    return waits ? LOOP_MS : undefined;
  }

  /** Attachable volumes of a pod on a node whose attachments are ours to make. An ended pod keeps none. */
  #placesOf(pod: Pod): Place[] {
    const node = this.#nodes.get({ name: pod.spec.nodeName ?? '' });
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (!isScheduled(pod) || ended || node?.metadata.annotations?.[MANAGED] !== 'true') return [];
    return claimNamesOf(pod).flatMap((name) => {
      const claim = this.#claims.get({ namespace: pod.metadata.namespace ?? '', name });
      const volume = claim === undefined ? undefined : this.#volumes.get({ name: claim.spec.volumeName ?? '' });
      return claim === undefined || volume?.spec.csi === undefined || !areBound(claim, volume) ? [] : [{ node: node.metadata.name, volume }];
    });
  }

  /** @returns whether it has to be looked at again without anything changing. */
  async #attach(place: Place, pod: Pod): Promise<boolean> {
    const name = attachmentName(place);
    if (this.#attachments.get({ name }) !== undefined) return false;
    const elsewhere = this.#attachments.list().find(({ spec }) => spec.source.persistentVolumeName === place.volume.metadata.name);
    if (elsewhere !== undefined && !isShared(place.volume)) {
      const message = `Multi-Attach error for volume "${place.volume.metadata.name}" Volume is already exclusively attached to one node and can't be attached to another`;
      if (!this.#reported.has(name)) this.#events.write(pods, pod, { type: 'Warning', reason: 'FailedAttachVolume', message });
      this.#reported.add(name);
      return false;
    }
    const { driver } = place.volume.spec.csi ?? { driver: '' };
    await unless('AlreadyExists', this.client.create(volumeAttachments, { metadata: { name }, spec: { attacher: driver, nodeName: place.node, source: { persistentVolumeName: place.volume.metadata.name } } }));
    return false;
  }

  /** @returns whether it has to be looked at again without anything changing. */
  async #detach(attachment: VolumeAttachment): Promise<boolean> {
    const { name, deletionTimestamp } = attachment.metadata;
    if (deletionTimestamp !== undefined) return false;
    const node = this.#nodes.get({ name: attachment.spec.nodeName });
    // Kept until the attachment is gone: what is being taken back is not reported again.
    const leaving = this.#leavingSince(attachment);
    if (leaving.inUse && !this.#isForced(node, leaving)) return true;
    const unique = this.#uniqueNameOf(attachment);
    // First the kubelet must not believe in it any more, then it goes.
    if (node !== undefined) await this.#reportOn(node, (names) => names.filter((one) => one !== unique));
    await ifThere(this.client.delete(volumeAttachments, { name }, { preconditions: { uid: uidOf(attachment) } }));
    return false;
  }

  #leavingSince(attachment: VolumeAttachment): Leaving {
    const { name } = attachment.metadata;
    const known = this.#leaving.get(name) ?? { since: this.setting.tasks.monotonic(), inUse: false };
    known.inUse = this.#inUse.get(attachment.spec.nodeName)?.has(this.#uniqueNameOf(attachment)) === true;
    this.#leaving.set(name, known);
    return known;
  }

  #isForced(node: Node | undefined, { since }: Leaving): boolean {
    if (node?.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return true;
    const healthy = node !== undefined && isTrue(node, 'Ready');
    return !healthy && this.setting.tasks.monotonic() - since >= FORCE_DETACH_MS;
  }

  #uniqueNameOf(attachment: VolumeAttachment): string {
    const csi = this.#volumes.get({ name: attachment.spec.source.persistentVolumeName ?? '' })?.spec.csi;
    return csi === undefined ? '' : uniqueVolumeName(csi.driver, csi.volumeHandle);
  }

  /** node.status.volumesAttached says what the attacher has done and nobody is taking back. */
  async #report(): Promise<void> {
    for (const node of this.#nodes.list()) {
      const own = this.#attachments.list().filter(({ spec }) => spec.nodeName === node.metadata.name);
      const attached = own.filter(({ metadata, status }) => status?.attached === true && metadata.deletionTimestamp === undefined && !this.#leaving.has(metadata.name));
      const leaving = new Set(own.filter(({ metadata }) => this.#leaving.has(metadata.name)).map((attachment) => this.#uniqueNameOf(attachment)));
      const names = attached.map((attachment) => this.#uniqueNameOf(attachment));
      await this.#reportOn(node, (before) => [...before.filter((name) => names.includes(name) || leaving.has(name)), ...names.filter((name) => !before.includes(name))]);
    }
  }

  async #reportOn(node: Node, change: (names: string[]) => string[]): Promise<void> {
    const before = (node.status?.volumesAttached ?? []).map(({ name }) => name);
    const after = change(before);
    if (before.length === after.length && before.every((name, index) => after[index] === name)) return;
    const volumesAttached = after.length === 0 ? null : after.map((name) => ({ name, devicePath: '' }));
    await ifThere(this.client.mergePatch(nodes, { name: node.metadata.name }, { status: { volumesAttached } }, { subresource: 'status' }));
  }
}

function isShared(volume: PersistentVolume): boolean {
  return (volume.spec.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/** As the CSI plugin names them. */
function attachmentName({ node, volume }: Place): string {
  const { driver = '', volumeHandle = '' } = volume.spec.csi ?? {};
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`;
}
