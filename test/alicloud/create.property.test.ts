// Whatever goes wrong, and however often: an intent that is repeated until it ends has made exactly one disk, or says that nobody knows,
// or was refused and has made none.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import type { Disks } from '../../src/ports/disks.ts';
import type { FaultInput } from '../../src/simulation/ecs/faults.ts';
import { Adapter } from './adapter.ts';

const lostAnswer = fc.oneof(
  fc.record({ kind: fc.constant('lost' as const), how: fc.constantFrom('timeout' as const, 'reset' as const), effect: fc.boolean() }),
  fc.record({ kind: fc.constant('broken' as const), effect: fc.boolean(), status: fc.constantFrom(200, 502) }),
  fc.record({ kind: fc.constant('serverError' as const), effect: fc.boolean(), status: fc.constantFrom(500, 503) }),
);
const passing = fc.oneof(
  fc.record({ kind: fc.constant('throttled' as const), retryAfterMs: fc.integer({ min: 1, max: 100_000 }) }),
  fc.record({ kind: fc.constant('delay' as const), ms: fc.integer({ min: 1, max: 30_000 }), when: fc.constantFrom('before' as const, 'after' as const) }),
  fc.record({ kind: fc.constant('error' as const), code: fc.constantFrom('InternalError', 'LastTokenProcessing', 'InvalidSnapshotId.NotReady', 'Throttling.Api') }),
);
const lying = fc.oneof(fc.constant({ kind: 'forgetToken' as const }), fc.record({ kind: fc.constant('error' as const), code: fc.constantFrom('IdempotentParameterMismatch', 'Zone.NotOnSale', 'QuotaExceed.DiskCapacity') }));

/** One list per call: what that call suffers, all of it at once. */
const faultsOfCalls = fc.array(fc.array(fc.oneof(lostAnswer, passing, lying), { maxLength: 2 }), { maxLength: 12 });

/** `restarts`: a new process makes every call, and knows nothing but the intent. */
async function run(faults: FaultInput[][], settings: { restarts?: boolean; tagLagMs?: number } = {}) {
  const cloud = settings.restarts === true ? new RestartedAdapter() : new Adapter();
  const intent = await cloud.readyIntent();
  faults.forEach((ofCall, call) => {
    for (const fault of ofCall) cloud.model.faults.add({ ...fault, action: 'CreateDisk', skip: call });
  });
  if (settings.tagLagMs !== undefined) cloud.model.faults.add({ kind: 'tagLag', ms: settings.tagLagMs, times: 0 });
  return { cloud, intent, outcome: await cloud.createDiskUntilItEnds(intent) };
}

class RestartedAdapter extends Adapter {
  override get disks(): Disks {
    return createAlicloudDisks({ call: this.model, clock: this.clock, region: 'r' });
  }
}

describe('createDisk repeated until it ends', () => {
  it('leaves exactly one disk, or says that a person must look, or has made none', async () => {
    await fc.assert(
      fc.asyncProperty(faultsOfCalls, fc.boolean(), async (faults, restarts) => {
        const { cloud, outcome } = await run(faults, { restarts });
        const allowed = { created: [outcome.kind === 'created' ? outcome.id : ''], refused: [], pending: undefined, ambiguous: cloud.ours() };
        expect(cloud.ours()).toEqual(allowed[outcome.kind]);
      }),
      { numRuns: 300 },
    );
  });

  it('never makes two as long as the cloud remembers its tokens, however late tags show', async () => {
    const honest = fc.array(fc.array(fc.oneof(lostAnswer, passing), { maxLength: 2 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(honest, fc.integer({ min: 0, max: 600_000 }), async (faults, tagLagMs) => {
        const { cloud, outcome } = await run(faults, { tagLagMs });
        expect(outcome.kind).toBe('created');
        expect(cloud.ours()).toHaveLength(1);
        expect(cloud.ours()).toEqual([outcome.kind === 'created' ? outcome.id : '']);
      }),
      { numRuns: 200 },
    );
  });

  it('says the same again when it is asked again', async () => {
    await fc.assert(
      fc.asyncProperty(faultsOfCalls, async (faults) => {
        const { cloud, intent, outcome } = await run(faults);
        fc.pre(outcome.kind === 'created');
        cloud.model.faults.clear();
        const again = await cloud.createDiskUntilItEnds(intent);
        expect(again).toMatchObject({ kind: 'created', id: outcome.kind === 'created' ? outcome.id : '' });
      }),
      { numRuns: 100 },
    );
  });
});
