// Periodic work by node-cron: ticks that overlap are left out without a word of its own on the console.

import { describe, expect, it, vi } from 'vitest';
import { cronProblem, cronSchedule } from '../../src/ports/schedule.ts';
import { FakeLog } from '../fakes/log.ts';

describe('a cron schedule', () => {
  it('leaves out a tick that comes while the last run is under way, and says so to our log alone', async () => {
    const log = new FakeLog();
    const console_ = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const end = Promise.withResolvers<void>();
    let runs = 0;
    const job = cronSchedule(log).every('* * * * * *', async () => {
      runs += 1;
      await end.promise;
    });
    await vi.waitFor(() => expect(log.messages('debug').some((message) => message.includes('overlap'))).toBe(true), { timeout: 10_000 });
    expect(runs).toBe(1);
    expect(console_).not.toHaveBeenCalled();
    end.resolve();
    await job.stop();
  });

  it('says what is wrong with an expression', () => {
    expect(cronProblem('every day')).toContain('"every day" is no cron expression');
    expect(() => cronSchedule(new FakeLog()).every('every day', () => Promise.resolve())).toThrow('"every day" is no cron expression');
  });
});
