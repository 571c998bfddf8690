// I9: exactly one PV object for each disk: the driver could delete the disk under either of two.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

export const oneVolumePerHandle: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { server } = world.simulated;
  return {
    name: 'I9 one volume per handle',
    /** What people make by hand is theirs; it must only not have been us. */
    onRequest({ user, verb, resource, name, version }) {
      if (verb !== 'create' || resource !== 'persistentvolumes' || version === undefined || user !== DAEMON_USER.username) return undefined;
      const volume = chronicle.volumes.get(name);
      const diskId = volume === undefined ? undefined : diskIdOf(volume);
      const other = server.readAll(volumes).find((one) => one.metadata.name !== name && diskIdOf(one) === diskId);
      return other === undefined ? undefined : `PV ${name} was made for disk ${diskId ?? 'none'}, which has PV ${other.metadata.name} already`;
    },
  };
};
