// Periodic work by cron expression (five fields, or six with seconds), UTC. node-cron stands behind it; its time zones and DST are not trusted.

import { schedule, validate } from 'node-cron';
import type { Log } from './log.ts';

export interface Schedule {
  /** Runs `task` at each tick; a tick that comes while the last run is under way is left out. @throws Error naming a wrong expression. */
  every(expression: string, task: () => Promise<void>): { stop(): Promise<void> };
}

/** Why it is no cron expression; undefined when it is one. */
export function cronProblem(expression: string): string | undefined {
  return validate(expression) ? undefined : `"${expression}" is no cron expression: five fields (minute hour day month weekday), or six with seconds first, e.g. "*/5 * * * *"`;
}

/** @param log what node-cron has to say itself; it would write lines of its own otherwise */
export function cronSchedule(log: Log): Schedule {
  const said = {
    info: (message: string) => log.debug(message),
    // A tick left out because the last run is under way, as declared.
    warn: (message: string) => log.debug(message),
    debug: (message: string | Error) => log.debug(String(message)),
    error: (message: string | Error, error?: Error) => log.error('periodic work failed', { error: error ?? message }),
  };
  return {
    every(expression, task) {
      const problem = cronProblem(expression);
      if (problem !== undefined) throw new Error(problem);
      const job = schedule(expression, task, { timezone: 'UTC', noOverlap: true, logger: said });
      return {
        async stop() {
          await job.destroy();
        },
      };
    },
  };
}
