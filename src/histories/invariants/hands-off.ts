// I6: we change nothing that no record of ours names: no disk of another cluster, no volume, claim or pod that is not under way, and never a
// StatefulSet.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { CLUSTER_TAG } from '../../kubernetes/names.ts';
import { podNameOf } from '../../migration/record.ts';
import { placeholderName } from '../../migration/reservation/placeholder.ts';
import type { RequestRecord } from '../../simulation/apiserver/contract.ts';
import type { CloudCall, HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';
import { changes, idsIn, mentions } from './cloud-calls.ts';

/** Left to the driver, and to people. */
const NEVER_CALLED = new Set(['AttachDisk', 'DetachDisk', 'ResizeDisk']);

type Named = (request: RequestRecord, chronicle: Chronicle) => boolean;

const always: Named = () => true;

/** What we write at all, and of which of them. */
const WRITTEN: Record<string, Named> = {
  'leases.coordination.k8s.io': always,
  events: always,
  'ordinalmigrations.zonespread.io': always,
  'ordinalmigrations.zonespread.io/status': always,
  'spreadreports.zonespread.io': always,
  'spreadreports.zonespread.io/status': always,
  'zoneevacuations.zonespread.io': always,
  'zoneevacuations.zonespread.io/status': always,
  namespaces: ({ name }, chronicle) => everRecords(chronicle).some(({ metadata }) => metadata.namespace === name),
  persistentvolumes: ({ name }, chronicle) => chronicle.parts(everRecords(chronicle)).some(({ claim }) => claim.source.pv === name || claim.target?.pv === name || claim.target?.diskId === name),
  persistentvolumeclaims: ({ namespace, name }, chronicle) => chronicle.parts(everRecords(chronicle)).some(({ record, claim }) => record.metadata.namespace === namespace && claim.claimName === name),
  pods: (request, chronicle) => isPodOfRecord(request, chronicle) || isPlaceholderOfRecord(request, chronicle),
  'pods/eviction': isPodOfRecord,
  // Nominated for the node that is held for it.
  'pods/status': isPodOfRecord,
  'priorityclasses.scheduling.k8s.io': ({ verb, name }) => verb === 'create' && name.startsWith('zonespread-below-'),
};

export const handsOff: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I6 hands off',
    onCall: (call) => (changes(call.action) ? strangerOf(call, { world, chronicle }) : undefined),
    onRequest(request) {
      if (request.user !== DAEMON_USER.username || request.version === undefined) return undefined;
      const named = WRITTEN[request.resource];
      if (named === undefined) return `we ${request.verb} ${request.resource} ${request.name}, which is not ours to write`;
      return named(request, chronicle) ? undefined : `we ${request.verb} ${request.resource} ${request.name}, which no record names`;
    },
  };
};

function strangerOf(call: CloudCall, { world, chronicle }: { world: HistoryWorld; chronicle: Chronicle }): string | undefined {
  if (NEVER_CALLED.has(call.action)) return `we call ${call.action}, which is not ours to do`;
  const known = everRecords(chronicle);
  const stranger = idsIn(call).find((id) => !known.some((record) => mentions(record, id)) && !carriesOurTag(world, id));
  return stranger === undefined ? undefined : `we call ${call.action} for ${stranger}, which no record names and which does not carry this cluster's tag`;
}

function carriesOurTag({ simulated: { ecs }, clusterUID }: HistoryWorld, id: string): boolean {
  return (ecs.disk(id) ?? ecs.snapshot(id))?.tags[CLUSTER_TAG] === clusterUID;
}

function isPodOfRecord({ namespace, name }: RequestRecord, chronicle: Chronicle): boolean {
  return everRecords(chronicle).some((record) => record.metadata.namespace === namespace && podNameOf(record) === name);
}

function isPlaceholderOfRecord({ namespace, name }: RequestRecord, chronicle: Chronicle): boolean {
  return everRecords(chronicle).some((record) => record.metadata.namespace === namespace && placeholderName(record) === name);
}

function everRecords(chronicle: Chronicle): ReturnType<Chronicle['live']> {
  return [...chronicle.records.values()];
}
