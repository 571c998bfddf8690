// I4, of PV objects: we delete one only while it is Retain and not bound, so that no disk goes with it, and only where the record says that
// it is about to be retired, or is being undone.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import type { PersistentVolume } from '../../kubernetes/objects.ts';
import type { OrdinalMigration } from '../../migration/record.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf, type Part } from './chronicle.ts';

export const volumesGoAlone: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I4 volumes go alone',
    onRequest({ user, verb, resource, name, version }) {
      if (verb !== 'delete' || resource !== 'persistentvolumes' || version === undefined || user !== DAEMON_USER.username) return undefined;
      const volume = chronicle.volumes.get(name);
      if (volume === undefined) return undefined;
      const why = stateOf(volume) ?? intentOf(volume, chronicle.parts(chronicle.live()));
      return why === undefined ? undefined : `we deleted PV ${name}: ${why}`;
    },
  };
};

function stateOf({ spec, status }: PersistentVolume): string | undefined {
  if (spec.persistentVolumeReclaimPolicy !== 'Retain') return `its reclaim policy is ${spec.persistentVolumeReclaimPolicy ?? 'not set'}, so its disk goes with it`;
  return status?.phase === 'Bound' ? `it is Bound to claim ${spec.claimRef?.name ?? '?'}` : undefined;
}

function intentOf({ metadata }: PersistentVolume, parts: readonly Part[]): string | undefined {
  const about = parts.filter(({ claim }) => claim.source.pvUID === metadata.uid || claim.target?.pv === metadata.name);
  if (about.some(({ record, claim }) => isMeant(record, claim.source.pvUID === metadata.uid ? claim.source : claim.target, claim.target?.pv === metadata.name))) return undefined;
  return about.length === 0 ? 'no record has it' : `no record says that it is about to go: ${about.map(({ record }) => `${record.metadata.name} is ${record.status?.phase ?? 'Pending'} at ${record.status?.step ?? 'nothing'}`).join(', ')}`;
}

function isMeant({ status }: OrdinalMigration, slot: { retiringAt?: string } | undefined, isTarget: boolean): boolean {
  return (isTarget && status?.phase === 'RollingBack') || (slot?.retiringAt !== undefined && (status?.phase === 'Succeeded' || status?.phase === 'RolledBack'));
}
