// Periodic work by cron expression in virtual time.

import { Cron } from 'croner';
import type { Clock } from '../ports/clock.ts';
import type { Schedule } from '../ports/schedule.ts';

/** As ports/schedule.ts says it; a tick that comes while the last run is under way is left out. */
export function virtualSchedule(clock: Clock): Schedule {
  return {
    every(expression, task) {
      const cron = new Cron(expression, { timezone: 'UTC', paused: true });
      const stopped = new AbortController();
      const ticking = tickUntil(stopped.signal, { clock, cron, task });
      return {
        async stop() {
          stopped.abort();
          await ticking;
        },
      };
    },
  };
}

async function tickUntil(stopped: AbortSignal, { clock, cron, task }: { clock: Clock; cron: Cron; task: () => Promise<void> }): Promise<void> {
  while (!stopped.aborted) {
    const next = cron.nextRun(new Date(clock.now()));
    if (next === null) return;
    await clock.sleep(Math.max(1, next.getTime() - clock.now()), stopped);
    if (!stopped.aborted) await task();
  }
}
