import { describe, expect, it } from 'vitest';
import { fenceCalls } from '../../src/cli/backend.ts';
import { LeaseLost, type Leadership } from '../../src/kubernetes/leader-election.ts';
import type { EcsAction } from '../../src/ports/ecs-call.ts';

describe('the fence before the cloud', () => {
  it('lets no call with an effect out without the lease; reading is free', async () => {
    const asked: EcsAction[] = [];
    const leadership = { assertHeld: () => { throw new LeaseLost('gone'); } } as unknown as Leadership;
    const fenced = fenceCalls({ call: (action) => { asked.push(action); return Promise.resolve({}); } }, leadership);
    await fenced.call('DescribeDisks', {});
    for (const action of ['CreateDisk', 'DeleteDisk', 'CreateSnapshot', 'DeleteSnapshot', 'TagResources', 'ModifyDiskAttribute'] as const) {
      expect(() => fenced.call(action, {})).toThrow(LeaseLost);
    }
    expect(asked).toEqual(['DescribeDisks']);
  });
});
