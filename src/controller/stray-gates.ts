// A pod that was created while the webhook's cache was a moment old may carry our gate although no record wants it gated any more. It
// would wait for ever, so the daemon takes such gates off, after a live look.

import type { Api } from '../kubernetes/api.ts';
import { isNotFound, isTestFailed } from '../kubernetes/refusals.ts';
import { GATE } from '../kubernetes/names.ts';
import { pods, type Pod } from '../kubernetes/objects.ts';
import { removeGate } from '../migration/ordinal-pod.ts';
import { ordinalMigrations, podNameOf } from '../migration/record.ts';
import { gateWanted, steeringRecord } from '../migration/steering.ts';
import type { Log } from '../ports/log.ts';

export function hasOurGate(pod: Pod): boolean {
  return (pod.spec.schedulingGates ?? []).some(({ name }) => name === GATE);
}

export async function removeStrayGate(api: Api, log: Log, ref: { namespace: string; name: string }): Promise<void> {
  const pod = await api.get(pods, ref);
  if (pod === undefined || !hasOurGate(pod)) return;
  const records = (await api.list(ordinalMigrations, { namespace: ref.namespace })).filter((record) => podNameOf(record) === ref.name);
  const steering = steeringRecord(records);
  if (steering !== undefined && gateWanted(steering)) return;
  try {
    await removeGate({ api }, pod);
    log.info(`took the gate off pod ${ref.namespace}/${ref.name}: nothing moves it any more`);
  } catch (error) {
    if (!isTestFailed(error) && !isNotFound(error)) throw error;
  }
}
