// Policies alone carry a whole move: no webhook runs, the pod is gated and the claim steered inside the API server, and the daemon, confined
// as it is there, gets everything done that it has to. With ZONESPREAD_E2E_FULL=1 also undo, reverse, retirement and a hand-made record.

import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Resource } from '../../src/kubernetes/objects.ts';
import { startRealWorld } from '../e2e/real-world.ts';
import { retiredAfterTheRetention } from '../e2e/scenarios/retention.ts';
import { runsInFull } from '../e2e/scenarios/sample.ts';
import { theControllerMakesTheClaimFirst } from '../e2e/scenarios/swap.ts';
import { aRecordMadeByHand, targetZoneSoldOut } from '../e2e/scenarios/trouble.ts';
import { reversedWithAllWrites, sourceRestored } from '../e2e/scenarios/unready.ts';
import type { World } from '../e2e/world.ts';
import { policyObjects } from './cells/policies.ts';

let world: World;

beforeAll(async () => {
  world = await startRealWorld({ webhook: false });
  for (const object of [...policyObjects('validating'), ...policyObjects('mutating')]) {
    const kind = object.kind ?? '';
    const resource: Resource = { group: 'admissionregistration.k8s.io', version: 'v1', plural: kind.endsWith('Policy') ? `${kind.slice(0, -1).toLowerCase()}ies` : `${kind.toLowerCase()}s`, kind, namespaced: false };
    await world.api.create(resource, object);
  }
});

afterAll(async () => {
  await world?.stop();
});

describe('with policies and no webhook', () => {
  test('the pod starts on the prepared disk, the StatefulSet controller making the claim first (Immediate)', () => theControllerMakesTheClaimFirst('Immediate')(world));

  describe.runIf(runsInFull())('in full', () => {
    test.each([
      ['the same (WaitForFirstConsumer)', theControllerMakesTheClaimFirst('WaitForFirstConsumer')],
      ['a record made by hand moves one ordinal', aRecordMadeByHand],
      ['a move that cannot go on is undone', targetZoneSoldOut],
      ['a move is reversed with all writes', reversedWithAllWrites],
      ['the source is restored', sourceRestored],
      ['what is left is retired after the retention', retiredAfterTheRetention],
    ])('%s', (_name, run) => run(world));
  });
});
