import { describe, expect, it } from 'vitest';
import { refuseEvacuations, zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import { FakeApi, refusal } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';

describe('a ZoneEvacuation', () => {
  it('is refused with a clear reason, once', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    api.put(zoneEvacuations, { metadata: { name: 'h', generation: 1 }, spec: { zone: 'cn-beijing-h' } });
    await refuseEvacuations(api, clock);
    const { status } = api.read(zoneEvacuations, { name: 'h' })!;
    expect(status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual(['Complete False NotSupported', 'Progressing False NotSupported']);
    expect(status?.conditions?.[0]?.message).toBe('evacuating zone cn-beijing-h is not supported by this version of zonespread: nothing is moved for it; take the zone out of zonespread.io/zones of each set instead');
    await refuseEvacuations(api, clock);
    expect(api.writes).toHaveLength(1);
  });

  it('is no matter where the custom resource is not installed', async () => {
    const api = new FakeApi();
    api.on('list', zoneEvacuations, (call) => Promise.reject(refusal(call, { status: 404, reason: 'NotFound', message: 'no' })));
    await refuseEvacuations(api, new FakeClock());
    expect(api.writes).toEqual([]);
  });
});
