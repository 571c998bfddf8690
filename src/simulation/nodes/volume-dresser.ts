// Puts the labels and the annotation of Alibaba's provisioner on PVs that the simulated driver made, at once when they appear: the
// upstream provisioner has no way to. A PV that somebody else made for one of its disks is not touched.

import type { Api } from '../../kubernetes/api.ts';
import { volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import type { Log } from '../../ports/log.ts';
import type { DiskController } from '../csi/controller.ts';
import type { Dressing } from '../csi/dressing.ts';
import { DISK_DRIVER } from '../csi/names.ts';
import type { WatchedCluster } from './watched-cluster.ts';

export interface VolumeDresser {
  /** Resolves once what is under way has ended. */
  stop(): Promise<void>;
}

export function dressVolumes({ api, cluster, controller, log }: { api: Api; cluster: WatchedCluster; controller: DiskController; log: Log }): VolumeDresser {
  const underWay = new Map<string, Promise<void>>();

  async function dress(volume: PersistentVolume, dressing: Dressing): Promise<void> {
    const { name, uid } = volume.metadata;
    try {
      await api.mergePatch(volumes, { name }, { metadata: { ...(uid === undefined ? {} : { uid }), ...dressing } });
    } catch (error) {
      log.warn(`volume ${name} could not be given its labels`, { error });
    } finally {
      underWay.delete(name);
    }
  }

  const end = cluster.onVolume((volume) => {
    const dressing = dressingFor(volume, controller);
    if (dressing === undefined || isDressed(volume, dressing) || underWay.has(volume.metadata.name)) return;
    underWay.set(volume.metadata.name, dress(volume, dressing));
  });

  return {
    async stop() {
      end();
      await Promise.all(underWay.values());
    },
  };
}

function dressingFor(volume: PersistentVolume, controller: DiskController): Dressing | undefined {
  const { csi } = volume.spec;
  if (csi?.driver !== DISK_DRIVER || volume.metadata.deletionTimestamp !== undefined) return undefined;
  return controller.dressingFor({ name: volume.metadata.name, handle: csi.volumeHandle });
}

function isDressed(volume: PersistentVolume, dressing: Dressing): boolean {
  const { labels = {}, annotations = {} } = volume.metadata;
  return Object.keys(dressing.labels).every((key) => key in labels) && Object.keys(dressing.annotations).every((key) => key in annotations);
}
