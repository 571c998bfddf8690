// The ephemeral volume controller: makes the claims of a pod's generic ephemeral volumes, whether the pod is gated or not; they go with it.

import { claims, pods, type PersistentVolumeClaim, type Pod, type Volume } from '../../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../../kubernetes/reading.ts';
import { keyOf, namespacedRefOf } from './informer.ts';
import { unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

export class EphemeralVolumeController extends Controller {
  readonly #pods = this.informer(pods);
  readonly #claims = this.informer(claims);
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('ephemeral-volume-controller'));
    this.#pods.onChange(({ type, object }) => {
      if (type !== 'DELETED') this.#queue.add(keyOf(object));
    });
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#pods.get(namespacedRefOf(key));
    if (pod === undefined || isTerminating(pod)) return;
    for (const volume of pod.spec.volumes ?? []) {
      const claim = claimOf(pod, volume);
      if (claim === undefined || this.#claims.get(claim.metadata) !== undefined) continue;
      await unless('AlreadyExists', this.client.create(claims, claim));
    }
  }
}

function claimOf(pod: Pod, volume: Volume): PersistentVolumeClaim | undefined {
  const template = volume.ephemeral?.volumeClaimTemplate;
  if (template === undefined) return undefined;
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: {
      name: `${pod.metadata.name}-${volume.name}`,
      namespace: pod.metadata.namespace ?? '',
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: uidOf(pod), controller: true, blockOwnerDeletion: true }],
    },
    spec: template.spec,
  };
}
