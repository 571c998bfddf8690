// Calls to the cloud that somebody is told of: for the metrics.

import type { Clock } from '../ports/clock.ts';
import type { EcsAction, EcsCall } from '../ports/ecs-call.ts';
import { understood } from './errors.ts';

/** Told about every call when it is over: `OK` or the error's code, and how long it took. */
export type Observe = (action: EcsAction, code: string, milliseconds: number) => void;

export function observeCalls(call: EcsCall, { clock, observe }: { clock: Clock; observe?: Observe | undefined }): EcsCall {
  if (observe === undefined) return call;
  return {
    // The caller gets the very promise of the call: being told of it makes nobody wait.
    call(action, parameters) {
      const startedAt = clock.monotonic();
      const answer = call.call(action, parameters);
      const tell = (code: string): void => observe(action, code, clock.monotonic() - startedAt);
      void answer.then(
        () => tell('OK'),
        (error: unknown) => tell(understood(error).code),
      );
      return answer;
    },
  };
}
