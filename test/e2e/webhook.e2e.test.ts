// Without the webhook: before there ever was one, and when it dies. One after the other, for there is one for all.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRealWorld } from './real-world.ts';
import { wrongAnnotationValue } from './scenarios/blocked.ts';
import { aPodSlipsThroughWhileTheWebhookIsDead, webhookKilledBeforeTheEviction, webhookKilledDuringTheSwap } from './scenarios/webhook.ts';
import type { World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startRealWorld({ webhook: false });
});

afterAll(async () => {
  await world?.stop();
});

test('a wrong annotation value that no webhook refused: event and report say key, value and what is allowed, and nothing moves', () => wrongAnnotationValue(world));

describe('the webhook is killed', () => {
  beforeAll(() => world.webhook.start());

  test('before the eviction: nothing is evicted, and the move completes when it is back', () => webhookKilledBeforeTheEviction(world));

  test.for(['WaitForFirstConsumer', 'Immediate'] as const)('during the swap: no write is lost, and the move completes when it is back (%s)', (mode) => webhookKilledDuringTheSwap(mode)(world));

  test('a pod slips through: what it wrote on the old disk comes along', () => aPodSlipsThroughWhileTheWebhookIsDead(world));
});
