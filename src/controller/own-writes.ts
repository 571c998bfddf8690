// The writes that the work on migrations itself makes: the watch brings them back, and they must not wake that work again. Without
// this every save costs a second visit, and a wait whose words change each time would never pause.

import type { Api } from '../kubernetes/api.ts';
import type { KubernetesObject, Resource } from '../kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';

/** A visit writes a record some dozens of times at most before the watch has caught up. */
const REMEMBERED = 64;

export interface OwnWrites {
  /** The same API; what it writes to records is remembered by UID and version. */
  api: Api;
  /** Calls `act` unless this version of the record was written through `api`. The watch may be quicker than the answer to a write: then once that has come. */
  unlessOwn(record: OrdinalMigration, act: () => void): void;
  /** Its record is gone. */
  forget(record: OrdinalMigration): void;
}

export function rememberOwnWrites(api: Api): OwnWrites {
  const versions = new Map<string, string[]>();
  const underWay = new Map<string, Set<Promise<unknown>>>();
  const isRecord = ({ plural, group }: Resource): boolean => plural === ordinalMigrations.plural && group === ordinalMigrations.group;

  async function remembered<T extends KubernetesObject>(writing: Promise<T>): Promise<T> {
    const written = await writing;
    const { uid = '', resourceVersion = '' } = written.metadata;
    versions.set(uid, [...(versions.get(uid) ?? []), resourceVersion].slice(-REMEMBERED));
    return written;
  }

  function following<T extends KubernetesObject>(ref: Name, writing: Promise<T>): Promise<T> {
    const [key, write] = [keyOf(ref), remembered(writing)];
    const all = underWay.get(key) ?? new Set();
    underWay.set(key, all.add(write));
    const over = (): void => {
      all.delete(write);
      if (all.size === 0) underWay.delete(key);
    };
    write.then(over, over);
    return write;
  }

  const wrote = ({ metadata: { uid = '', resourceVersion = '' } }: OrdinalMigration): boolean => versions.get(uid)?.includes(resourceVersion) === true;

  return {
    api: {
      ...api,
      mergePatch: (resource, ref, ...rest) => (isRecord(resource) ? following(ref, api.mergePatch(resource, ref, ...rest)) : api.mergePatch(resource, ref, ...rest)),
      jsonPatch: (resource, ref, ...rest) => (isRecord(resource) ? following(ref, api.jsonPatch(resource, ref, ...rest)) : api.jsonPatch(resource, ref, ...rest)),
    },
    unlessOwn(record, act) {
      if (wrote(record)) return;
      const writes = underWay.get(keyOf(record.metadata));
      if (writes === undefined) act();
      else void Promise.allSettled(writes).then(() => wrote(record) || act());
    },
    forget: ({ metadata: { uid = '' } }) => void versions.delete(uid),
  };
}

type Name = { namespace?: string; name: string };

function keyOf({ namespace = '', name }: Name): string {
  return `${namespace}/${name}`;
}
