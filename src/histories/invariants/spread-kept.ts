// I7, at rest: every set that declares zones has a report, the report tells the truth about where the disks are, and where they are not as
// declared it says what holds them: something that is still so.

import { namespaces, pods, statefulSets, type StatefulSet } from '../../kubernetes/objects.ts';
import { isTerminating, isTrue } from '../../kubernetes/reading.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import { ended, type OrdinalMigration } from '../../migration/record.ts';
import type { Policy } from '../../policy/policy.ts';
import { policyOf } from '../../controller/decision.ts';
import { zoneEvacuations } from '../../controller/zone-evacuation.ts';
import { spreadReports, type ReportedBlock, type SpreadReportStatus } from '../../controller/spread-report.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { diskZonesOf } from './disk-zones.ts';

export const spreadIsKept: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I7 spread is kept',
    atRest() {
      for (const set of world.simulated.server.readAll(statefulSets)) {
        const own = chronicle.live().filter((record) => record.metadata.namespace === set.metadata.namespace && record.spec.statefulSetRef.name === set.metadata.name);
        const wrong = isTerminating(set) ? undefined : wrongWith(world, set, own.filter((record) => !ended(record)));
        if (wrong !== undefined) return `StatefulSet ${set.metadata.name}: ${wrong}`;
      }
      return undefined;
    },
  };
};

function wrongWith(world: HistoryWorld, set: StatefulSet, underWay: readonly OrdinalMigration[]): string | undefined {
  const { server } = world.simulated;
  const { namespace = '', name } = set.metadata;
  const declared = policyOf(set, server.read(namespaces, { name: namespace }));
  const status = server.read(spreadReports, { namespace, name })?.status;
  if (declared.kind === 'off') return status === undefined ? undefined : 'it declares nothing, and has a SpreadReport';
  if (status === undefined) return 'it declares zones, and has no SpreadReport';
  if (declared.kind === 'invalid') return saysInvalid(status);
  return untrue(world, set, { policy: declared.policy, status }) ?? (underWay.length > 0 ? undefined : whyNotKept(status, allReady(world, set)));
}

function saysInvalid({ conditions = [] }: SpreadReportStatus): string | undefined {
  return conditions.some(({ reason }) => reason === 'InvalidPolicy') ? undefined : 'its policy is invalid, and the report does not say so';
}

interface Said {
  policy: Policy;
  status: SpreadReportStatus;
}

function untrue(world: HistoryWorld, set: StatefulSet, { policy, status }: Said): string | undefined {
  const zones = zonesOf(world, set);
  if (policy.zones.kind === 'any' || status.satisfied !== true || zones === undefined) return undefined;
  const evacuated = new Set(world.simulated.server.readAll(zoneEvacuations).map(({ spec }) => spec.zone));
  const declared = policy.zones.zones.filter((zone) => !evacuated.has(zone));
  const outside = [...zones].find(([, zone]) => !declared.includes(zone));
  if (outside !== undefined) return `the report says Satisfied, and ordinal ${outside[0]} is in zone ${outside[1]}, which is ${evacuated.has(outside[1]) ? 'being evacuated' : 'not declared'}`;
  const counts = declared.map((zone) => [...zones.values()].filter((one) => one === zone).length);
  if (Math.max(...counts) - Math.min(...counts) > policy.maxSkew) return `the report says Satisfied, and the disks are ${declared.map((zone, index) => `${zone}:${counts[index] ?? 0}`).join(' ')}`;
  const pinned = Object.entries(policy.pins).find(([ordinal, zone]) => (zones.get(Number(ordinal)) ?? zone) !== zone);
  return pinned === undefined ? undefined : `the report says Satisfied, and ordinal ${pinned[0]} is not in zone ${pinned[1]}, where it is pinned`;
}

/** In truth, by ordinal; undefined where some claim has no disk at the moment, or the disks of one ordinal are torn apart. */
function zonesOf(world: HistoryWorld, set: StatefulSet): Map<number, string> | undefined {
  const zones = new Map<number, string>();
  for (const [ordinal, [zone, ...others]] of diskZonesOf(world, set)) {
    if (zone === undefined || others.some((other) => other !== zone)) return undefined;
    zones.set(ordinal, zone);
  }
  return zones;
}

/** Holds that pass by themselves: at rest they have passed. */
const PASSING = new Set(['BudgetUsedUp', 'WebhookNotReady', 'SnapshotInProgress', 'GenerationNotObserved', 'ScaleUnderWay']);
/** Others of the set stand before it: with nobody under way and every pod Ready there are none. */
const OF_OTHERS = new Set(['AwaitsTurn', 'TooManyUnavailable', 'AlreadyInFlight', 'PodNotReady']);

/** With nothing under way: what is wrong with the reason that the report gives for not being Satisfied. */
function whyNotKept({ satisfied, conditions = [], blocked = [] }: SpreadReportStatus, quiet: boolean): string | undefined {
  if (satisfied === true) return undefined;
  const said = conditions.find(({ type, status, message = '' }) => type === 'Satisfied' && status === 'False' && message !== '');
  if (said?.reason === undefined) return 'the report says neither that it is as declared nor why not';
  const { reason, message } = said;
  if (reason === 'CoolDown' || reason === 'InFlight') return `the report says ${reason}: ${message}, which has passed`;
  return reason === 'MovesPlanned' ? heldByNothing(blocked, quiet) : undefined;
}

function heldByNothing(blocked: readonly ReportedBlock[], quiet: boolean): string | undefined {
  const lasting = blocked.filter((one) => one.message !== '' && !PASSING.has(one.reason) && !(quiet && OF_OTHERS.has(one.reason)));
  return lasting.length > 0 ? undefined : `moves are planned, and nothing that lasts holds them: ${blocked.map((one) => `${one.reason}: ${one.message}`).join('; ')}`;
}

function allReady({ simulated: { server } }: HistoryWorld, set: StatefulSet): boolean {
  const { first, last } = ordinalsOf(set);
  const { namespace = '', name } = set.metadata;
  for (let ordinal = first; ordinal <= last; ordinal += 1) {
    const pod = server.read(pods, { namespace, name: `${name}-${ordinal}` });
    if (pod === undefined || !isTrue(pod, 'Ready')) return false;
  }
  return true;
}
