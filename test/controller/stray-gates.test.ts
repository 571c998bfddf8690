import { describe, expect, it } from 'vitest';
import { hasOurGate, removeStrayGate } from '../../src/controller/stray-gates.ts';
import { GATE } from '../../src/kubernetes/names.ts';
import { pods } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { NAMESPACE, pod } from '../builders/kubernetes.ts';
import { FakeApi, refusal } from '../fakes/api.ts';
import { FakeLog } from '../fakes/log.ts';
import { record } from './records.ts';

const ref = { namespace: NAMESPACE, name: 'web-0' };

function gated(gates = [GATE], status?: OrdinalMigrationStatus): FakeApi {
  const api = new FakeApi();
  const held = pod();
  api.put(pods, { ...held, spec: { ...held.spec, schedulingGates: gates.map((name) => ({ name })) } });
  if (status !== undefined) api.put(ordinalMigrations, record(status));
  return api;
}

const gatesOf = (api: FakeApi) => api.read(pods, ref)?.spec.schedulingGates?.map(({ name }) => name);

describe('a gate of ours on a pod', () => {
  it('is taken off when no record wants it, and other gates stay', async () => {
    const api = gated(['other/gate', GATE]);
    await removeStrayGate(api, new FakeLog(), ref);
    expect(gatesOf(api)).toEqual(['other/gate']);
  });

  it.each<[string, OrdinalMigrationStatus, boolean]>([
    ['stays while the move is between eviction and ungate', { phase: 'Running', step: 'createDisk' }, true],
    ['stays while a move is undone', { phase: 'RollingBack', course: 'Undo', step: 'swapClaim' }, true],
    ['goes once the move has come past ungate', { phase: 'Running', step: 'ready' }, false],
    ['goes when the move has ended', { phase: 'Succeeded', step: 'settle' }, false],
  ])('%s', async (_what, status, stays) => {
    const api = gated([GATE], status);
    await removeStrayGate(api, new FakeLog(), ref);
    expect(hasOurGate(api.read(pods, ref)!)).toBe(stays);
  });

  it('is not taken off a pod that has taken the place of the one that was looked at', async () => {
    const api = gated();
    api.once('jsonPatch', pods, (_call, proceed) => {
      api.change(pods, ref, (held) => (held.metadata.uid = 'another'));
      return proceed();
    });
    await removeStrayGate(api, new FakeLog(), ref);
    expect(gatesOf(api)).toEqual([GATE]);
  });

  it('costs nothing on a pod that has none, or is gone', async () => {
    const api = gated([]);
    await removeStrayGate(api, new FakeLog(), ref);
    await removeStrayGate(api, new FakeLog(), { namespace: NAMESPACE, name: 'nobody' });
    expect(api.calls.map(({ verb }) => verb)).toEqual(['get', 'get']);
  });

  it('that the API server refuses to take off is not kept quiet', async () => {
    const api = gated();
    api.on('jsonPatch', pods, (call) => Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'no' })));
    await expect(removeStrayGate(api, new FakeLog(), ref)).rejects.toThrow('Forbidden');
  });
});
