import { describe, expect, it } from 'vitest';
import { isStray, removeStrayPlaceholder } from '../../src/controller/stray-placeholders.ts';
import { MIGRATION_LABEL, ROLE_LABEL } from '../../src/kubernetes/names.ts';
import { pods, type Pod } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { NAMESPACE, pod } from '../builders/kubernetes.ts';
import { FakeApi, refusal } from '../fakes/api.ts';
import { FakeLog } from '../fakes/log.ts';
import { record } from './records.ts';

const ref = { namespace: NAMESPACE, name: 'zonespread-1' };
const RESERVING: OrdinalMigrationStatus = { phase: 'Running', step: 'reserve' };

function placeholder(migration: string): Pod {
  return { metadata: { ...ref, uid: 'uid-placeholder', labels: { [MIGRATION_LABEL]: migration, [ROLE_LABEL]: 'placeholder' } }, spec: { nodeName: 'node-b', terminationGracePeriodSeconds: 0, containers: [] } };
}

function held(status?: OrdinalMigrationStatus): { api: FakeApi; held: Pod; known: OrdinalMigration[] } {
  const api = new FakeApi();
  const known = status === undefined ? [] : [api.put(ordinalMigrations, record(status))];
  return { api, known, held: api.put(pods, placeholder(known[0]?.metadata.uid ?? 'uid-nobody')) };
}

describe('a placeholder', () => {
  it.each<[string, OrdinalMigrationStatus | undefined, boolean]>([
    ['stays while its move wants the room', RESERVING, true],
    ['goes when its move has come past ungate', { phase: 'Running', step: 'ready' }, false],
    ['goes when its move has ended', { phase: 'Failed', step: 'reserve' }, false],
    ['goes when its move is Frozen', { phase: 'Frozen', step: 'createDisk' }, false],
    ['goes when nobody knows its move', undefined, false],
  ])('%s', async (_what, status, stays) => {
    const { api, held: one, known } = held(status);
    expect(isStray(one, () => known)).toBe(!stays);
    await removeStrayPlaceholder(api, new FakeLog(), one);
    expect(api.read(pods, ref) !== undefined).toBe(stays);
  });

  it('is judged by the record as it is now, whatever a cache has shown', async () => {
    const { api, held: one } = held(RESERVING);
    expect(isStray(one, () => [])).toBe(true);
    await removeStrayPlaceholder(api, new FakeLog(), one);
    expect(api.read(pods, ref)).toBeDefined();
  });

  it('is not one that has taken its place since', async () => {
    const { api, held: one } = held();
    api.once('delete', pods, (_call, proceed) => {
      api.change(pods, ref, (next) => (next.metadata.uid = 'another'));
      return proceed();
    });
    await removeStrayPlaceholder(api, new FakeLog(), one);
    expect(api.read(pods, ref)).toBeDefined();
  });

  it('is never the pod of a set', async () => {
    const { api } = held();
    const own = api.put(pods, pod({ node: 'node-a' }));
    expect(isStray(own, () => [])).toBe(false);
    await removeStrayPlaceholder(api, new FakeLog(), own);
    expect(api.read(pods, { namespace: NAMESPACE, name: own.metadata.name })?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('that the API server refuses to delete is not kept quiet', async () => {
    const { api, held: one } = held();
    api.on('delete', pods, (call) => Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'no' })));
    await expect(removeStrayPlaceholder(api, new FakeLog(), one)).rejects.toThrow('Forbidden');
  });
});
