// The two protections: a claim stays while a scheduled pod names it, a volume while it is Bound. Both by a finalizer that they put on
// and take off.

import { claims, pods, volumes, type KubernetesObject, type Pod, type Resource } from '../../kubernetes/objects.ts';
import { isScheduled, isTerminating, volumePhase } from '../../kubernetes/reading.ts';
import { keyOf, namespacedRefOf, refOf } from './informer.ts';
import { ifThere } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';

/** Names of the claims in the pod's volumes, those of generic ephemeral volumes included. */
export function claimNamesOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.ephemeral !== undefined) return [`${pod.metadata.name}-${volume.name}`];
    return volume.persistentVolumeClaim === undefined ? [] : [volume.persistentVolumeClaim.claimName];
  });
}

export class ClaimProtectionController extends Controller {
  readonly #claims = this.informer(claims);
  readonly #pods = this.informer(pods);
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('pvc-protection-controller'));
    this.#claims.onChange(({ type, object }) => {
      if (type !== 'DELETED') this.#queue.add(keyOf(object));
    });
    this.#pods.onChange(({ object }) => {
      for (const name of claimNamesOf(object)) this.#queue.add(`${object.metadata.namespace ?? ''}/${name}`);
    });
  }

  async #sync(key: string): Promise<void> {
    const claim = this.#claims.get(namespacedRefOf(key));
    if (claim === undefined) return;
    const protectedNow = claim.metadata.finalizers?.includes(CLAIM_FINALIZER) === true;
    if (!isTerminating(claim) && !protectedNow) await this.client.update(claims, withFinalizer(claim, CLAIM_FINALIZER));
    if (isTerminating(claim) && protectedNow && !(await this.#isUsed(claim.metadata))) await removeFinalizer(this.client, { resource: claims, object: claim, finalizer: CLAIM_FINALIZER });
  }

  /** By the cache, then live. A pod that is not scheduled does not hold it; one that has ended does. */
  async #isUsed({ namespace = '', name }: { namespace?: string; name: string }): Promise<boolean> {
    const uses = (pod: Pod): boolean => isScheduled(pod) && claimNamesOf(pod).includes(name);
    return this.#pods.list(namespace).some(uses) || (await this.client.list(pods, { namespace })).some(uses);
  }
}

export class VolumeProtectionController extends Controller {
  readonly #volumes = this.informer(volumes);
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('pv-protection-controller'));
    this.#volumes.onChange(({ type, object }) => {
      if (type !== 'DELETED') this.#queue.add(keyOf(object));
    });
  }

  async #sync(key: string): Promise<void> {
    const volume = this.#volumes.get(refOf(key));
    if (volume === undefined) return;
    const protectedNow = volume.metadata.finalizers?.includes(VOLUME_FINALIZER) === true;
    if (!isTerminating(volume) && !protectedNow) await this.client.update(volumes, withFinalizer(volume, VOLUME_FINALIZER));
    if (isTerminating(volume) && protectedNow && volumePhase(volume) !== 'Bound') await removeFinalizer(this.client, { resource: volumes, object: volume, finalizer: VOLUME_FINALIZER });
  }
}

export function withFinalizer<T extends KubernetesObject>(object: T, finalizer: string): T {
  return { ...object, metadata: { ...object.metadata, finalizers: [...(object.metadata.finalizers ?? []), finalizer] } };
}

/** Gone meanwhile is as good. */
export async function removeFinalizer<T extends KubernetesObject>(client: Controller['client'], { resource, object, finalizer }: { resource: Resource<T>; object: T; finalizer: string }): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  await ifThere(client.update(resource, { ...object, metadata: { ...object.metadata, finalizers } }));
}
