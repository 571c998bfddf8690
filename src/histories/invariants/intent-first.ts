// I6: nothing is made in the cloud before its record says what, with which token; and it carries the tags by which it is found again.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import type { ClaimRecord } from '../../migration/record.ts';
import type { CloudCall, InvariantOf } from '../world.ts';
import { chronicleOf, tagsIn } from './chronicle.ts';

export const intentComesFirst: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I6 intent comes first',
    onCall(call) {
      if (call.action !== 'CreateDisk' && call.action !== 'CreateSnapshot') return undefined;
      const tags = tagsIn(call.parameters);
      const uid = tags[MIGRATION_LABEL] ?? '';
      const record = chronicle.live().find(({ metadata }) => metadata.uid === uid);
      const asked = `${call.action} with token ${String(call.parameters['ClientToken'])}`;
      if (tags[CLUSTER_TAG] !== world.clusterUID || tags[ROLE_LABEL] === undefined) return `${asked} carries the tags ${JSON.stringify(tags)}: they do not name this cluster and a role`;
      if (record === undefined) return `${asked} is for migration "${uid}", of which there is no record`;
      const noted = (record.status?.claims ?? []).some((claim) => isNoted(claim, call));
      return noted ? undefined : `${asked} is not what record ${record.metadata.name} says: its token and parameters have to be there first`;
    },
  };
};

function isNoted({ snapshot, rescue, target }: ClaimRecord, { action, parameters }: CloudCall): boolean {
  const token = parameters['ClientToken'];
  if (action === 'CreateDisk') return target?.token === token && target?.params?.snapshotId === parameters['SnapshotId'] && target?.params?.zone === parameters['ZoneId'];
  return [snapshot, rescue].some((slot) => slot?.token === token && slot?.params?.diskId === parameters['DiskId']);
}
