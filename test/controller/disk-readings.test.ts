import { describe, expect, it } from 'vitest';
import { createDiskReadings } from '../../src/controller/disk-readings.ts';
import { DiskError, type Disks } from '../../src/ports/disks.ts';
import { disk } from '../builders/cloud.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';

function cloud() {
  const asked: string[][] = [];
  const clock = new FakeClock();
  const log = new FakeLog();
  const state = { failing: false };
  const disks = {
    maxTags: 20,
    disks: async (ids: string[]) => {
      asked.push(ids);
      if (state.failing) throw new DiskError('later', { code: 'X', retriable: true });
      return new Map(ids.filter((id) => id !== 'unknown').map((id) => [id, disk({ id })]));
    },
  } as unknown as Disks;
  return { asked, clock, log, state, readings: createDiskReadings({ disks, clock, log }) };
}

describe('disks that a sweep has read', () => {
  it('are not asked for again by the look that follows', async () => {
    const { asked, readings } = cloud();
    await readings.prefetch(['d-1', 'd-2', 'd-3']);
    expect([...(await readings.disks(['d-1', 'd-2'])).keys()]).toEqual(['d-1', 'd-2']);
    expect([...(await readings.disks(['d-3'])).keys()]).toEqual(['d-3']);
    expect(asked).toEqual([['d-1', 'd-2', 'd-3']]);
  });

  it('are read afresh at the next look, which something else has woken', async () => {
    const { asked, readings } = cloud();
    await readings.prefetch(['d-1']);
    await readings.disks(['d-1']);
    await readings.disks(['d-1']);
    expect(asked).toEqual([['d-1'], ['d-1']]);
  });

  it('are asked for where the sweep did not see them', async () => {
    const { asked, readings } = cloud();
    await readings.prefetch(['d-1', 'unknown']);
    expect([...(await readings.disks(['d-1', 'unknown', 'd-9'])).keys()]).toEqual(['d-1', 'd-9']);
    expect(asked.at(-1)).toEqual(['unknown', 'd-9']);
  });

  it('are too old after a minute', async () => {
    const { asked, clock, readings } = cloud();
    await readings.prefetch(['d-1']);
    await clock.advance(60_000);
    await readings.disks(['d-1']);
    expect(asked).toHaveLength(2);
  });

  it('are left to each look when they could not be read together', async () => {
    const { log, state, readings } = cloud();
    state.failing = true;
    await readings.prefetch(['d-1']);
    expect(log.messages('warn')).toHaveLength(1);
    await expect(readings.disks(['d-1'])).rejects.toThrow(DiskError);
    state.failing = false;
    expect((await readings.disks(['d-1'])).size).toBe(1);
  });
});
