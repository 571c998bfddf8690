// The cloud behind `--disks`: which backends there are, and the fence that keeps a daemon without the lease from doing anything there.

import { createAlicloudDisks } from '../alicloud/disks.ts';
import { createEcsCall, loadEcsSdk } from '../alicloud/ecs.ts';
import type { Leadership } from '../kubernetes/leader-election.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disks } from '../ports/disks.ts';
import type { EcsCall } from '../ports/ecs-call.ts';

export interface BackendOptions {
  region: string;
  endpoint?: string | undefined;
  protocol?: 'HTTP' | 'HTTPS' | undefined;
  clock: Clock;
  metrics: Metrics;
}

export function alicloudBackend({ region, endpoint, protocol, clock, metrics }: BackendOptions): (leadership: Leadership) => Disks {
  loadEcsSdk();
  const call = createEcsCall({ region, endpoint, protocol, clock, observe: (action, code, ms) => metrics.diskApiCalled({ action, code }, ms / 1000) });
  return (leadership) => createAlicloudDisks({ call: fenceCalls(call, leadership), clock, region });
}

/** Reading is harmless; anything else is refused once the lease may be somebody else's. @throws LeaseLost */
export function fenceCalls(call: EcsCall, leadership: Leadership): EcsCall {
  return {
    call(action, parameters) {
      if (!action.startsWith('Describe')) leadership.assertHeld();
      return call.call(action, parameters);
    },
  };
}
