// I8: what we delete, and what we write of a record, goes only as it was read: by UID, and a record by its version, too. Otherwise a daemon
// that was held up takes away, or writes over, what another one or a person has put there since.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import type { RequestRecord } from '../../simulation/apiserver/contract.ts';
import type { InvariantOf } from '../world.ts';

const DELETED_BY_UID = new Set(['persistentvolumeclaims', 'persistentvolumes', 'pods', 'ordinalmigrations.zonespread.io']);

export const writesAreAsRead: InvariantOf = () => ({
  name: 'I8 writes are as read',
  onRequest(request) {
    return request.user !== DAEMON_USER.username || request.dryRun ? undefined : whatIsMissing(request);
  },
});

function whatIsMissing({ verb, resource, namespace, name, conditions = {} }: RequestRecord): string | undefined {
  const what = `${resource} ${namespace === '' ? '' : `${namespace}/`}${name}`;
  if (verb === 'delete' && DELETED_BY_UID.has(resource) && conditions.uid === undefined) return `we delete ${what}, whichever has that name now`;
  if (verb !== 'patch' || resource !== 'ordinalmigrations.zonespread.io/status') return undefined;
  return conditions.resourceVersion === undefined ? `we write ${what} over whatever it says now` : undefined;
}
