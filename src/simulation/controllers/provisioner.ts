// The external provisioner of the disk driver: makes a disk and its volume for a claim that nothing was found for, deletes both when a
// volume that it made is released under Delete, and keeps its finalizer on those that it will have to delete.

import { claims, csiNodes, nodes, storageClasses, volumeAttachments, volumes, type Node, type NodeSelectorTerm, type PersistentVolume, type PersistentVolumeClaim, type StorageClass } from '../../kubernetes/objects.ts';
import { gibRoundedUp, wholeUnits } from '../../kubernetes/quantity.ts';
import { isTerminating, storageRequest, uidOf, volumePhase } from '../../kubernetes/reading.ts';
import type { DiskController, Volume } from '../csi/controller.ts';
import { CsiError } from '../csi/error.ts';
import { DISK_DRIVER } from '../csi/names.ts';
import type { Segments, TopologyRequirement } from '../csi/volume-request.ts';
import { allowedSegments } from './allowed-topologies.ts';
import { BETA_STORAGE_PROVISIONER, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from './binder/match.ts';
import { csiErrorOf, csiRefusal } from './driver-calls.ts';
import { EventWriter } from './events.ts';
import { keyOf, namespacedRefOf, refOf } from './informer.ts';
import { removeFinalizer, withFinalizer } from './protection.ts';
import { ifThere, unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

export const PROVISIONER_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

/** As the sidecar's defaults: --retry-interval-start and --retry-interval-max. */
const RETRY = { firstMs: 1_000, longestMs: 300_000 };
const FS_TYPE = 'ext4';
/** As Alibaba Cloud deploys the sidecar: --volume-name-prefix=disk. */
const NAME_PREFIX = 'disk';

export class Provisioner extends Controller {
  readonly #driver: DiskController;
  /** Of this process: on every volume that it makes. */
  readonly #identity: string;
  readonly #claims = this.informer(claims);
  readonly #volumes = this.informer(volumes);
  readonly #classes = this.informer(storageClasses);
  readonly #nodes = this.informer(nodes);
  readonly #csiNodes = this.informer(csiNodes);
  readonly #attachments = this.informer(volumeAttachments);
  readonly #events: EventWriter;
  readonly #claimQueue = this.worker({ retry: RETRY, reconcile: (key) => this.#provide(key) });
  readonly #volumeQueue = this.worker({ retry: RETRY, reconcile: (key) => this.#syncVolume(key) });
  readonly #end = new AbortController();

  constructor(setting: Setting, driver: DiskController) {
    super(setting, kubeSystemAccount('alicloud-csi-provisioner'));
    this.#driver = driver;
    this.#identity = `${setting.tasks.now()}-${Math.floor(setting.random.next() * 10_000)}-${DISK_DRIVER}`;
    this.#events = new EventWriter(setting, this.client, `${DISK_DRIVER}_provisioner`);
    this.#claims.onChange(({ object }) => this.#claimQueue.add(keyOf(object)));
    this.#volumes.onChange(({ object }) => this.#volumeQueue.add(keyOf(object)));
  }

  // ── claims ──

  async #provide(key: string): Promise<void> {
    const claim = this.#claims.get(namespacedRefOf(key));
    if (claim === undefined || !isForUs(claim)) return;
    const storageClass = this.#classes.get({ name: claim.spec.storageClassName ?? '' });
    const chosen = claim.metadata.annotations?.[SELECTED_NODE];
    const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && chosen === undefined;
    if (storageClass !== undefined && !waits) await this.#provision(claim, storageClass, chosen);
  }

  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass, chosen: string | undefined): Promise<void> {
    const name = `${NAME_PREFIX}-${uidOf(claim)}`;
    if (this.#volumes.get({ name }) !== undefined) return;
    const requirement = this.#requirement(storageClass, chosen);
    if (requirement === undefined) return this.#reschedule(claim, `selected node "${chosen ?? ''}" has no topology of the driver`);
    const made = await this.#make(claim, storageClass, { name, requirement });
    if (made === undefined) return;
    await unless('AlreadyExists', this.client.create(volumes, this.#volumeOf(claim, storageClass, { name, made })));
    this.#events.write(claims, claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${name}` });
  }

  async #make(claim: PersistentVolumeClaim, storageClass: StorageClass, { name, requirement }: { name: string; requirement: TopologyRequirement }): Promise<Volume | undefined> {
    const { namespace = '', name: claimName } = claim.metadata;
    this.#events.write(claims, claim, { type: 'Normal', reason: 'Provisioning', message: `External provisioner is provisioning volume for claim "${namespace}/${claimName}"` });
    const parameters = { ...storageClass.parameters, 'csi.storage.k8s.io/pvc/namespace': namespace, 'csi.storage.k8s.io/pvc/name': claimName, 'csi.storage.k8s.io/pv/name': name };
    try {
      return await this.#driver.createVolume({ name, requiredBytes: Number(wholeUnits(storageRequest(claim))), parameters, requirement, accessModes: ['SINGLE_NODE_WRITER'] });
    } catch (cause) {
      const error = csiErrorOf(cause);
      this.#events.write(claims, claim, { type: 'Warning', reason: 'ProvisioningFailed', message: `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${error.message}` });
      if (error.code !== 'RESOURCE_EXHAUSTED') throw csiRefusal(error);
      await this.#reschedule(claim, error.message);
      return undefined;
    }
  }

  /** The scheduler is to choose another node. Without a chosen one it is tried again as it is. */
  async #reschedule(claim: PersistentVolumeClaim, message: string): Promise<void> {
    if (claim.metadata.annotations?.[SELECTED_NODE] === undefined) throw csiRefusal(new CsiError('RESOURCE_EXHAUSTED', message));
    const freed = this.edited(claim, ({ metadata }) => {
      if (metadata.annotations !== undefined) delete metadata.annotations[SELECTED_NODE];
    });
    await ifThere(this.client.update(claims, freed));
  }

  /** The chosen node's zone, or every zone that the class allows, or that the driver's nodes are in. */
  #requirement(storageClass: StorageClass, chosen: string | undefined): TopologyRequirement | undefined {
    const segments = this.#csiNodes.list().flatMap((csiNode) => {
      const keys = csiNode.spec.drivers.find(({ name }) => name === DISK_DRIVER)?.topologyKeys;
      const node = this.#nodes.get({ name: csiNode.metadata.name });
      return keys === undefined || node === undefined ? [] : [{ node: node.metadata.name, segments: segmentsOf(node, keys) }];
    });
    if (chosen === undefined) return { requisite: allowedSegments(storageClass) ?? distinct(segments.map((one) => one.segments)), preferred: [] };
    const own = segments.find(({ node }) => node === chosen);
    return own === undefined ? undefined : { requisite: [own.segments], preferred: [own.segments] };
  }

  #volumeOf(claim: PersistentVolumeClaim, storageClass: StorageClass, { name, made }: { name: string; made: Volume }): PersistentVolume {
    const { namespace = '', name: claimName, resourceVersion = '' } = claim.metadata;
    const persistentVolumeReclaimPolicy = storageClass.reclaimPolicy ?? 'Delete';
    const dressing = this.#driver.dressingFor({ name, handle: made.id });
    return {
      metadata: {
        name,
        labels: { ...dressing?.labels },
        annotations: { ...dressing?.annotations, [PROVISIONED_BY]: DISK_DRIVER },
        finalizers: persistentVolumeReclaimPolicy === 'Delete' ? [PROVISIONER_FINALIZER] : [],
      },
      spec: {
        capacity: { storage: `${gibRoundedUp(String(made.capacityBytes))}Gi` },
        accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy,
        storageClassName: storageClass.metadata.name,
        volumeMode: claim.spec.volumeMode ?? 'Filesystem',
        ...optional('volumeAttributesClassName', claim.spec.volumeAttributesClassName),
        ...optional('mountOptions', storageClass.mountOptions),
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid: uidOf(claim), resourceVersion },
        csi: { driver: DISK_DRIVER, volumeHandle: made.id, fsType: FS_TYPE, volumeAttributes: { ...made.attributes, 'storage.kubernetes.io/csiProvisionerIdentity': this.#identity } },
        nodeAffinity: { required: { nodeSelectorTerms: [termOf(made.topology)] } },
      },
    };
  }

  // ── volumes ──

  async #syncVolume(key: string): Promise<void> {
    const volume = this.#volumes.get(refOf(key));
    if (volume === undefined || provisionerOf(volume) !== DISK_DRIVER) return;
    if (volume.spec.persistentVolumeReclaimPolicy === 'Delete') return this.#syncDeletable(volume);
    if (isHeld(volume)) await removeFinalizer(this.client, { resource: volumes, object: volume, finalizer: PROVISIONER_FINALIZER });
  }

  async #syncDeletable(volume: PersistentVolume): Promise<void> {
    const phase = volumePhase(volume);
    if (phase === 'Released' && (isHeld(volume) || !isTerminating(volume))) await this.#delete(volume);
    else if (phase === 'Bound' && !isHeld(volume) && !isTerminating(volume)) await ifThere(this.client.update(volumes, withFinalizer(volume, PROVISIONER_FINALIZER)));
  }

  async #delete(volume: PersistentVolume): Promise<void> {
    const { name } = volume.metadata;
    const attachment = this.#attachments.list().find(({ spec }) => spec.source.persistentVolumeName === name);
    try {
      if (attachment !== undefined) throw new CsiError('ABORTED', `persistentvolume ${name} is still attached to node ${attachment.spec.nodeName}`);
      await this.#driver.deleteVolume(volume.spec.csi?.volumeHandle ?? '', this.#end.signal);
    } catch (cause) {
      const error = csiErrorOf(cause);
      this.#events.write(volumes, volume, { type: 'Warning', reason: 'VolumeFailedDelete', message: error.message });
      throw csiRefusal(error);
    }
    await this.client.delete(volumes, { name }, { preconditions: { uid: uidOf(volume) } });
    const live = await this.client.get(volumes, { name });
    if (live !== undefined && uidOf(live) === uidOf(volume)) await removeFinalizer(this.client, { resource: volumes, object: live, finalizer: PROVISIONER_FINALIZER });
  }
}

function isForUs(claim: PersistentVolumeClaim): boolean {
  const { annotations = {} } = claim.metadata;
  const asked = annotations[STORAGE_PROVISIONER] ?? annotations[BETA_STORAGE_PROVISIONER];
  return asked === DISK_DRIVER && !isTerminating(claim) && (claim.spec.volumeName ?? '') === '';
}

/** By its annotation; one without it that somebody else made belongs to the driver that it names. */
function provisionerOf({ metadata, spec }: PersistentVolume): string | undefined {
  return metadata.annotations?.[PROVISIONED_BY] ?? spec.csi?.driver;
}

function isHeld(volume: PersistentVolume): boolean {
  return volume.metadata.finalizers?.includes(PROVISIONER_FINALIZER) === true;
}

function optional(field: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [field]: value };
}

function segmentsOf({ metadata: { labels = {} } }: Node, keys: string[]): Segments {
  return Object.fromEntries(keys.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}

function distinct(segments: Segments[]): Segments[] {
  return [...new Map(segments.map((segment) => [JSON.stringify(segment), segment])).values()];
}

function termOf(topology: Segments): NodeSelectorTerm {
  return { matchExpressions: Object.entries(topology).map(([key, value]) => ({ key, operator: 'In', values: [value] })) };
}
