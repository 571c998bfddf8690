// A placeholder that no record wants (any more) holds a node for nothing: made by a request that came late, from a daemon that was gone, or
// for a record that has been deleted since. The daemon takes it away, after a live look.

import type { Api } from '../kubernetes/api.ts';
import { MIGRATION_LABEL } from '../kubernetes/names.ts';
import { pods, type Pod } from '../kubernetes/objects.ts';
import { labelOf, uidOf } from '../kubernetes/reading.ts';
import { isConflict } from '../kubernetes/refusals.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import { isPlaceholder, isRoomWanted } from '../migration/reservation/placeholder.ts';
import type { Log } from '../ports/log.ts';

/** Whether none of these records wants it; they are asked for only when it is a placeholder, which few pods are. */
export function isStray(pod: Pod, records: () => readonly OrdinalMigration[]): boolean {
  if (!isPlaceholder(pod)) return false;
  const record = records().find((one) => uidOf(one) === labelOf(pod, MIGRATION_LABEL));
  return record === undefined || !isRoomWanted(record);
}

/** `pod`: as a cache has it. */
export async function removeStrayPlaceholder(api: Api, log: Log, pod: Pod): Promise<void> {
  const { namespace = '', name } = pod.metadata;
  // The pod first: a record that wants it was written before it was made.
  const live = await api.get(pods, { namespace, name });
  if (live === undefined) return;
  const records = await api.list(ordinalMigrations, { namespace });
  if (!isStray(live, () => records)) return;
  try {
    await api.delete(pods, { namespace, name }, { uid: uidOf(live) });
    log.info(`removed placeholder ${namespace}/${name}: no migration wants its room any more`);
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}
