// Periodic work by cron expression (five fields, or six with seconds), UTC. node-cron stands behind it; its time zones and DST are not trusted.

import { schedule, validate } from 'node-cron';

export interface Schedule {
  /** Runs `task` at each tick; a tick that comes while the last run is under way is left out. @throws Error naming a wrong expression. */
  every(expression: string, task: () => Promise<void>): { stop(): Promise<void> };
}

/** Why it is no cron expression; undefined when it is one. */
export function cronProblem(expression: string): string | undefined {
  return validate(expression) ? undefined : `"${expression}" is no cron expression: five fields (minute hour day month weekday), or six with seconds first, e.g. "*/5 * * * *"`;
}

export const cronSchedule: Schedule = {
  every(expression, task) {
    const problem = cronProblem(expression);
    if (problem !== undefined) throw new Error(problem);
    const job = schedule(expression, task, { timezone: 'UTC', noOverlap: true });
    return {
      async stop() {
        await job.destroy();
      },
    };
  },
};
