// I8: a record is never written by a daemon of an earlier epoch than the last one that wrote it, and a daemon that was deposed asks the
// cloud for nothing any more on behalf of such a record.

import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { ordinalMigrations, type OrdinalMigration } from '../../migration/record.ts';
import type { CloudCall, InvariantOf } from '../world.ts';
import { chronicleOf, tagsIn } from './chronicle.ts';
import { changes, idsIn, mentions } from './cloud-calls.ts';

export const epochsGrow: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);

  const meant = (call: CloudCall): OrdinalMigration[] => {
    const uid = tagsIn(call.parameters)[MIGRATION_LABEL];
    const ids = idsIn(call);
    return chronicle.live().filter((record) => record.metadata.uid === uid || ids.some((id) => mentions(record, id)));
  };

  return {
    name: 'I8 epochs grow',
    onStore({ type, resource, object, previous }) {
      if (type !== 'MODIFIED' || resource.plural !== ordinalMigrations.plural) return undefined;
      const [before, after] = [previous, object].map((one) => (one as OrdinalMigration).status?.epoch ?? 0) as [number, number];
      return after < before ? `record ${object.metadata.name} was written in epoch ${after} after it had been written in epoch ${before}` : undefined;
    },
    onCall(call) {
      const { action, epoch } = call;
      if (epoch === undefined || !changes(action)) return undefined;
      const later = meant(call).find((record) => (record.status?.epoch ?? 0) > epoch);
      return later === undefined ? undefined : `daemon ${call.daemon} of epoch ${epoch} calls ${action} for record ${later.metadata.name}, which epoch ${later.status?.epoch ?? 0} has written`;
    },
  };
};
