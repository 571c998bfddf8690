// The PV controller (persistent-volume-binder): two workers that do not wait for each other, one for claims and one for volumes, and a
// resync of everything every 15 s. Every write is a compare-and-swap on what it believes; who loses is tried again, or, before 1.36,
// forgotten until the resync.
//
//   claim Pending ──volume found, or prepared for it──► PV.claimRef.uid ► PV Bound ► claim.volumeName ► claim Bound
//   claim gone ► PV Released ─Delete► (the provisioner) gone      PV gone, or another's ► claim Lost

import { claims, storageClasses, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../../kubernetes/objects.ts';
import { uidOf, volumePhase } from '../../../kubernetes/reading.ts';
import { EventWriter } from '../events.ts';
import { keyOf, namespacedRefOf, refOf } from '../informer.ts';
import { Controller, kubeSystemAccount, type Setting } from '../setting.ts';
import { BETA_STORAGE_PROVISIONER, BIND_COMPLETED, BOUND_BY_CONTROLLER, isForClaim, matchingVolume, mismatch, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from './match.ts';
import { Beliefs } from './store.ts';

export interface BinderOptions {
  /** Before 1.36 a lost race was not tried again before the resync. Default true. */
  retriesConflicts?: boolean;
  /** Default 15 s. */
  resyncMs?: number;
}

const RESYNC = 'resync';
const RETRY = { firstMs: 5, longestMs: 1_000_000 };

export class BinderController extends Controller {
  readonly #claims = new Beliefs<PersistentVolumeClaim>();
  readonly #volumes = new Beliefs<PersistentVolume>();
  readonly #seenClaims = this.informer(claims);
  readonly #seenVolumes = this.informer(volumes);
  readonly #classes = this.informer(storageClasses);
  readonly #events: EventWriter;
  readonly #claimQueue;
  readonly #volumeQueue;
  readonly #resync;

  constructor(setting: Setting, { retriesConflicts = true, resyncMs = 15_000 }: BinderOptions = {}) {
    super(setting, kubeSystemAccount('persistent-volume-binder'));
    this.#events = new EventWriter(setting, this.client, 'persistentvolume-controller');
    const retry = retriesConflicts ? RETRY : 'drop';
    this.#claimQueue = this.worker({ retry, reconcile: (key) => this.#claimChanged(key) });
    this.#volumeQueue = this.worker({ retry, reconcile: (key) => this.#volumeChanged(key) });
    this.#resync = this.worker({ reconcile: () => this.#resyncAll(resyncMs) });
    this.#seenClaims.onChange(({ object }) => this.#claimQueue.add(keyOf(object)));
    this.#seenVolumes.onChange(({ object }) => this.#volumeQueue.add(keyOf(object)));
    // Somewhere within the first period, as a controller that has been running.
    this.#resync.addAfter(RESYNC, Math.floor(setting.random.next() * resyncMs));
  }

  #resyncAll(resyncMs: number): Promise<number> {
    for (const claim of this.#seenClaims.list()) this.#claimQueue.add(keyOf(claim));
    for (const volume of this.#seenVolumes.list()) this.#volumeQueue.add(keyOf(volume));
    return Promise.resolve(resyncMs);
  }

  async #claimChanged(key: string): Promise<void> {
    const claim = this.#seenClaims.get(namespacedRefOf(key));
    if (claim === undefined) {
      const lost = this.#claims.drop(key);
      if ((lost?.spec.volumeName ?? '') !== '') this.#volumeQueue.add(lost?.spec.volumeName ?? '');
      return;
    }
    this.#claims.take(claim);
    const believed = this.#claims.get(key) ?? claim;
    if (believed.metadata.annotations?.[BIND_COMPLETED] === undefined) await this.#syncUnbound(believed);
    else await this.#syncBound(believed);
  }

  async #volumeChanged(key: string): Promise<void> {
    const volume = this.#seenVolumes.get(refOf(key));
    if (volume === undefined) {
      const { claimRef } = this.#volumes.drop(key)?.spec ?? {};
      if (claimRef !== undefined) this.#claimQueue.add(`${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`);
      return;
    }
    this.#volumes.take(volume);
    await this.#syncVolume(this.#volumes.get(key) ?? volume);
  }

  // ── claims ──

  async #syncUnbound(claim: PersistentVolumeClaim): Promise<void> {
    if ((claim.spec.volumeName ?? '') !== '') return this.#syncSteered(claim);
    const delayed = this.#isDelayed(claim);
    const volume = matchingVolume({ claim, volumes: this.#volumes.all(), delayed, random: this.setting.random });
    if (volume !== undefined) return this.#bind(volume, claim);
    if (delayed) {
      this.#events.write(claims, claim, { type: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' });
      return this.#claimPhase(claim, 'Pending');
    }
    return this.#claimPhase(await this.#askForVolume(claim), 'Pending');
  }

  /** WaitForFirstConsumer, and no node chosen yet. */
  #isDelayed(claim: PersistentVolumeClaim): boolean {
    if (claim.metadata.annotations?.[SELECTED_NODE] !== undefined) return false;
    return this.#classes.get({ name: claim.spec.storageClassName ?? '' })?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  /** The external provisioner acts on the annotation. */
  async #askForVolume(claim: PersistentVolumeClaim): Promise<PersistentVolumeClaim> {
    const storageClass = this.#classes.get({ name: claim.spec.storageClassName ?? '' });
    if (storageClass === undefined) {
      const message = (claim.spec.storageClassName ?? '') === '' ? 'no persistent volumes available for this claim and no storage class is set' : `storageclass.storage.k8s.io "${claim.spec.storageClassName}" not found`;
      this.#events.write(claims, claim, { type: 'Warning', reason: (claim.spec.storageClassName ?? '') === '' ? 'FailedBinding' : 'ProvisioningFailed', message });
      return claim;
    }
    const { provisioner } = storageClass;
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    this.#events.write(claims, claim, { type: 'Normal', reason: 'ExternalProvisioning', message });
    if (claim.metadata.annotations?.[STORAGE_PROVISIONER] === provisioner) return claim;
    return this.#updateClaim(this.edited(claim, ({ metadata }) => (metadata.annotations = { ...metadata.annotations, [STORAGE_PROVISIONER]: provisioner, [BETA_STORAGE_PROVISIONER]: provisioner })));
  }

  /** It asks for one volume by name. */
  async #syncSteered(claim: PersistentVolumeClaim): Promise<void> {
    const volume = this.#volumes.get(claim.spec.volumeName ?? '');
    if (volume === undefined) return this.#claimPhase(claim, 'Pending');
    if (volume.spec.claimRef === undefined) {
      const why = mismatch(volume, claim);
      if (why === undefined) return this.#bind(volume, claim);
      this.#events.write(claims, claim, { type: 'Warning', reason: 'VolumeMismatch', message: `Cannot bind to requested volume "${volume.metadata.name}": ${why}` });
      return this.#claimPhase(claim, 'Pending');
    }
    // Neither size nor class is compared with a volume that was prepared for this claim.
    if (isForClaim(volume, claim)) return this.#bind(volume, claim);
    this.#events.write(claims, claim, { type: 'Warning', reason: 'FailedBinding', message: `volume "${volume.metadata.name}" already bound to a different claim.` });
    return this.#claimPhase(claim, 'Pending');
  }

  async #syncBound(claim: PersistentVolumeClaim): Promise<void> {
    const lose = (reason: string, message: string): Promise<void> => {
      this.#events.write(claims, claim, { type: 'Warning', reason, message });
      return this.#claimPhase(claim, 'Lost');
    };
    if ((claim.spec.volumeName ?? '') === '') return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
    const volume = this.#volumes.get(claim.spec.volumeName ?? '');
    if (volume === undefined) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
    if (volume.spec.claimRef === undefined || volume.spec.claimRef.uid === uidOf(claim)) return this.#bind(volume, claim);
    return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  }

  // ── volumes ──

  async #syncVolume(volume: PersistentVolume): Promise<void> {
    if ((volume.spec.claimRef?.uid ?? '') === '') {
      await this.#volumePhase(volume, 'Available');
      return;
    }
    const claim = await this.#claimOf(volume);
    if (claim === undefined) return this.#release(volume);
    await this.#syncClaimed(volume, claim);
  }

  async #syncClaimed(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    // Bound on its side only: the claim's worker goes on with it.
    if ((claim.spec.volumeName ?? '') === '') return this.#claimQueue.add(keyOf(claim));
    if (claim.spec.volumeName === volume.metadata.name) {
      await this.#volumePhase(volume, 'Bound');
      return;
    }
    if (volume.metadata.annotations?.[PROVISIONED_BY] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return this.#release(volume);
    await this.#unbind(volume);
  }

  /** By the name in claimRef, if it is that very claim; one that the cache does not show is asked for. */
  async #claimOf(volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { namespace = '', name = '', uid } = volume.spec.claimRef ?? {};
    const believed = this.#claims.get(`${namespace}/${name}`) ?? this.#seenClaims.get({ namespace, name });
    const isIt = (claim: PersistentVolumeClaim | undefined): boolean => claim !== undefined && uidOf(claim) === uid;
    if (isIt(believed)) return believed;
    const settled = ['Released', 'Failed'].includes(volumePhase(volume));
    const live = settled && believed === undefined ? undefined : await this.client.get(claims, { namespace, name });
    return isIt(live) ? live : undefined;
  }

  async #release(volume: PersistentVolume): Promise<void> {
    const settled = ['Released', 'Failed'].includes(volumePhase(volume));
    const released = settled ? volume : await this.#volumePhase(volume, 'Released');
    // What a CSI driver made is deleted by its provisioner. For what nobody is known to have made there is no deleter.
    const deletable = released.metadata.annotations?.[PROVISIONED_BY] !== undefined;
    if (released.spec.persistentVolumeReclaimPolicy !== 'Delete' || deletable || volumePhase(released) === 'Failed') return;
    // It makes sure by a live look, in which time the provisioner of the driver may be faster.
    const live = await this.client.get(volumes, { name: released.metadata.name });
    if (live === undefined || volumePhase(live) !== 'Released') return;
    const message = `error getting deleter volume plugin for volume "${released.metadata.name}": no deletable volume plugin matched`;
    this.#events.write(volumes, released, { type: 'Warning', reason: 'VolumeFailedDelete', message });
    await this.#volumePhase(released, 'Failed', message);
  }

  /** The claim got bound elsewhere: what the controller put into claimRef goes, what a person put there stays. */
  async #unbind(volume: PersistentVolume): Promise<void> {
    const unbound = this.edited(volume, ({ metadata, spec }) => {
      if (metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined) delete spec.claimRef?.uid;
      else {
        delete spec.claimRef;
        delete metadata.annotations[BOUND_BY_CONTROLLER];
      }
    });
    await this.#volumePhase(await this.#updateVolume(unbound), 'Available');
  }

  // ── both ──

  /** Four writes, each left out when it is done; any of them may lose its race. */
  async #bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const claimed = await this.#volumePhase(await this.#bindVolume(volume, claim), 'Bound');
    const bound = await this.#bindClaim(claim, claimed);
    await this.#claimPhase(bound, 'Bound', claimed);
  }

  async #bindVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> {
    const { claimRef } = volume.spec;
    if (isForClaim(volume, claim) && claimRef?.uid === uidOf(claim)) return volume;
    const prepared = isForClaim(volume, claim);
    const bound = this.edited(volume, ({ metadata, spec }) => {
      const { namespace = '', name, resourceVersion = '' } = claim.metadata;
      spec.claimRef = { ...claimRef, apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid: uidOf(claim), resourceVersion };
      if (!prepared) metadata.annotations = { ...metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' };
    });
    return this.#updateVolume(bound);
  }

  async #bindClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> {
    const named = claim.spec.volumeName === volume.metadata.name;
    if (named && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return claim;
    const bound = this.edited(claim, ({ metadata, spec }) => {
      spec.volumeName = volume.metadata.name;
      metadata.annotations = { ...metadata.annotations, [BIND_COMPLETED]: 'yes', ...(named ? {} : { [BOUND_BY_CONTROLLER]: 'yes' }) };
    });
    return this.#updateClaim(bound);
  }

  async #claimPhase(claim: PersistentVolumeClaim, phase: 'Pending' | 'Bound' | 'Lost', volume?: PersistentVolume): Promise<void> {
    if (claim.status?.phase === phase) return;
    const status = volume === undefined ? { ...claim.status, phase } : { ...claim.status, phase, accessModes: volume.spec.accessModes ?? [], capacity: volume.spec.capacity ?? {} };
    if (volume === undefined) {
      delete (status as Record<string, unknown>).accessModes;
      delete status.capacity;
    }
    this.#claims.take(await this.client.updateStatus(claims, { ...claim, status }));
  }

  async #volumePhase(volume: PersistentVolume, phase: string, message?: string): Promise<PersistentVolume> {
    if (volumePhase(volume) === phase) return volume;
    const updated = await this.client.updateStatus(volumes, { ...volume, status: { ...volume.status, phase, ...(message === undefined ? {} : { message }) } });
    this.#volumes.take(updated);
    return updated;
  }

  async #updateVolume(volume: PersistentVolume): Promise<PersistentVolume> {
    const updated = await this.client.update(volumes, volume);
    this.#volumes.take(updated);
    return updated;
  }

  async #updateClaim(claim: PersistentVolumeClaim): Promise<PersistentVolumeClaim> {
    const updated = await this.client.update(claims, claim);
    this.#claims.take(updated);
    return updated;
  }
}
