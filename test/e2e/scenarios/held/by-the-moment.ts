// It is not the moment for a move: a person has said so, or what the move leans on is not there.

import type { SimulatedWorld } from '../../simulated-world.ts';
import type { HeldCase } from './holding.ts';

export const DISABLED: HeldCase = {
  reason: 'Disabled',
  name: 'the mode of the set is "disabled"',
  says: /1 moves are planned and zonespread\.io\/mode is "disabled"/,
  noticed: 'by a watch',
  policy: () => ({ mode: 'disabled' }),
  arrange: async (scene) => () => scene.annotate({ mode: 'auto' }),
};

export const APPROVAL_NEEDED: HeldCase = {
  reason: 'ApprovalNeeded',
  name: 'nobody has approved the plan',
  says: /zonespread\.io\/mode is "plan" and 1 of 1 moves are not approved \(web-1 from \S+-a to \S+-b\); look at the plan, then set zonespread\.io\/approve: "[0-9a-f]{64}"/,
  noticed: 'by a watch',
  policy: () => ({ mode: 'plan' }),
  arrange: async (scene) => () => scene.annotate({ approve: scene.report()?.status?.plan?.digest ?? '' }),
};

export const PAUSED: HeldCase = {
  reason: 'Paused',
  name: 'the set is paused',
  says: /StatefulSet web is paused; set zonespread\.io\/paused: "false" or remove the annotation/,
  noticed: 'by a watch',
  policy: () => ({ paused: 'true' }),
  arrange: async (scene) => () => scene.annotate({ paused: null }),
};

export const OUTSIDE_WINDOW: HeldCase = {
  reason: 'OutsideWindow',
  name: 'no window is open, until the annotation is another one',
  says: /outside every window of zonespread\.io\/window; the next one opens at \d{4}-02-2[89]T18:00:00\.000Z/,
  noticed: 'by a watch',
  policy: () => ({ window: '0 2 1 3 * for 1h in Asia/Shanghai' }),
  arrange: async (scene) => () => scene.annotate({ window: '* * * * * for 1h in Asia/Shanghai' }),
};

export const HEALTH_QUERY_UNMET: HeldCase<SimulatedWorld> = {
  reason: 'HealthQueryUnmet',
  name: 'the health query is not true',
  says: /zonespread\.io\/health-query \(shop_healthy\) is not true now/,
  noticed: 'by a timer',
  flags: { prometheus: 'http://prometheus.monitoring:9090' },
  policy: () => ({ 'health-query': 'shop_healthy', 'health-duration': '1s' }),
  async arrange(_scene, { prometheus }) {
    prometheus.value = 0;
    return async () => {
      prometheus.value = 1;
    };
  },
};

export const PROMETHEUS_UNREACHABLE: HeldCase<SimulatedWorld> = {
  reason: 'HealthQueryUnmet',
  name: 'Prometheus does not answer',
  says: /zonespread\.io\/health-query cannot be asked: no answer from Prometheus/,
  noticed: 'by a timer',
  flags: { prometheus: 'http://prometheus.monitoring:9090' },
  policy: () => ({ 'health-query': 'shop_healthy', 'health-duration': '1s' }),
  async arrange(_scene, { prometheus }) {
    prometheus.value = 1;
    prometheus.unreachable = 'no answer from Prometheus at http://prometheus.monitoring:9090: connect ECONNREFUSED';
    return async () => {
      prometheus.unreachable = undefined;
    };
  },
};

export const WEBHOOK_NOT_READY: HeldCase = {
  reason: 'WebhookNotReady',
  name: 'no webhook is registered',
  says: /there is no MutatingWebhookConfiguration zonespread: start zonespread webhook, which registers itself/,
  noticed: 'by a timer',
  webhook: false,
  arrange: async (scene) => () => scene.world.webhook.start(),
};
