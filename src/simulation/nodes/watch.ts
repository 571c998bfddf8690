// Keeps the kubelets' cache in step with the API server: one watch per kind for all of them.

import { claims, nodes, pods, volumeAttachments, volumes, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { createReflector, type Reflector } from '../../kubernetes/reflector.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Http } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Watched, WatchedCluster } from './watched-cluster.ts';

export interface ClusterWatch {
  stop(): Promise<void>;
}

export interface ClusterWatchOptions {
  http: Http;
  clock: Clock;
  random: Random;
  log: Log;
  cluster: WatchedCluster;
}

/** Resolves when the cache has everything there is. */
export async function watchCluster(options: ClusterWatchOptions): Promise<ClusterWatch> {
  const reflectors = [
    follow(options, { resource: pods, kind: 'Pod' }),
    follow(options, { resource: claims, kind: 'PersistentVolumeClaim' }),
    follow(options, { resource: volumes, kind: 'PersistentVolume' }),
    follow(options, { resource: volumeAttachments, kind: 'VolumeAttachment' }),
    follow(options, { resource: nodes, kind: 'Node' }),
  ];
  await Promise.all(reflectors.map((reflector) => reflector.synced));
  return {
    async stop() {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
  };
}

function follow<T extends KubernetesObject>({ cluster, ...ports }: ClusterWatchOptions, { resource, kind }: { resource: Resource<T>; kind: Watched['kind'] }): Reflector<T> {
  const reflector = createReflector({ ...ports, resource, trim: withoutManagedFields, userAgent: 'simulated-kubelet' });
  reflector.onChange(({ type, object }) => {
    const watched = { kind, object } as unknown as Watched;
    if (type === 'deleted') cluster.delete(watched);
    else cluster.set(watched);
  });
  reflector.start();
  return reflector;
}

function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  delete object.metadata.managedFields;
  return object;
}
