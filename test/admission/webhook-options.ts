// The webhook as it runs in tests against a real API server: by the machine's clock and chance, with certificates and a registration of
// its own.

import type { WebhookOptions } from '../../src/admission/webhook.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import type { ClusterConnection } from '../../src/kubernetes/config.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { systemClock } from '../../src/ports/clock.ts';
import type { Log } from '../../src/ports/log.ts';
import { systemRandom } from '../../src/ports/random.ts';

/** Where it listens and whose it is, a test says itself. */
export function webhookOptions({ http }: Pick<ClusterConnection, 'http'>, log: Log): Omit<WebhookOptions, 'https' | 'target' | 'ownNamespace'> {
  return {
    api: createApi({ http, userAgent: 'test-webhook' }),
    http,
    clock: systemClock,
    random: systemRandom,
    log,
    metrics: createMetrics({ version: 'test' }),
    certificates: 'self',
    register: true,
  };
}

/** For an API server on the same machine. */
export function onLoopback(port: number): Pick<WebhookOptions, 'https' | 'target'> {
  return { https: { host: '127.0.0.1', port }, target: { url: `https://127.0.0.1:${port}` } };
}
