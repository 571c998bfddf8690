import { describe, expect, it } from 'vitest';
import { rememberOwnWrites, type OwnWrites } from '../../src/controller/own-writes.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { ordinalMigrations, type OrdinalMigration } from '../../src/migration/record.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { Scene } from './scene.ts';

const RUNNING = { namespace: NAMESPACE, name: 'running' };

function scene(): Scene {
  const made = new Scene();
  made.addRecord('running', { status: { phase: 'Running' } });
  return made;
}

/** Whether the watch that tells of this version wakes anybody. */
async function wakes(own: OwnWrites, record: OrdinalMigration): Promise<boolean> {
  let woken = false;
  own.unlessOwn(record, () => (woken = true));
  await new Promise((resolve) => setImmediate(resolve));
  return woken;
}

describe('own writes', () => {
  it('are known by the version that they gave the record, earlier ones too', async () => {
    const { api } = scene();
    const own = rememberOwnWrites(api);
    const first = await own.api.mergePatch(ordinalMigrations, RUNNING, { status: { progress: 10 } }, { subresource: 'status' });
    const second = await own.api.jsonPatch(ordinalMigrations, RUNNING, [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }]);
    expect([await wakes(own, first), await wakes(own, second)]).toEqual([false, false]);
  });

  it('are not those of somebody else, through the same API or not', async () => {
    const { api } = scene();
    const own = rememberOwnWrites(api);
    await own.api.mergePatch(ordinalMigrations, RUNNING, { status: { progress: 10 } }, { subresource: 'status' });
    const theirs = await api.mergePatch(ordinalMigrations, RUNNING, { metadata: { annotations: { 'zonespread.io/request': 'abort' } } });
    expect(await wakes(own, theirs)).toBe(true);
  });

  it('are known though the watch tells of them before their answer has come', async () => {
    const { api } = scene();
    const [told, answered] = [Promise.withResolvers<OrdinalMigration>(), Promise.withResolvers<void>()];
    const slow: Api = Object.assign(Object.create(api) as Api, {
      async mergePatch(...write: Parameters<Api['mergePatch']>) {
        const written = await api.mergePatch(...write);
        told.resolve(written as OrdinalMigration);
        await answered.promise;
        return written;
      },
    });
    const own = rememberOwnWrites(slow);
    const writing = own.api.mergePatch(ordinalMigrations, RUNNING, { status: { progress: 10 } }, { subresource: 'status' });
    let woken = 0;
    own.unlessOwn(await told.promise, () => (woken += 1));
    const theirs = await api.mergePatch(ordinalMigrations, RUNNING, { metadata: { annotations: { 'zonespread.io/request': 'abort' } } });
    own.unlessOwn(theirs, () => (woken += 1));
    expect(woken).toBe(0);
    answered.resolve();
    await writing;
    expect(await wakes(own, theirs)).toBe(true);
    expect(woken).toBe(1);
  });

  it('of a record that is gone are forgotten', async () => {
    const { api } = scene();
    const own = rememberOwnWrites(api);
    const written = await own.api.mergePatch(ordinalMigrations, RUNNING, { status: { progress: 10 } }, { subresource: 'status' });
    own.forget(written);
    expect(await wakes(own, written)).toBe(true);
  });
});
