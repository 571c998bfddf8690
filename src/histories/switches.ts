// What faults change in the machinery of a cluster that is built once: read at each review and each admission.

import type { Clock } from '../ports/clock.ts';
import type { CallWebhook } from '../simulation/apiserver/contract.ts';

export class Switches {
  /** How far the API server's own informers lag behind, in ms. */
  informerLagMs: () => number = () => 0;
  /** How long a review is on its way to the webhook, in ms; longer than its time-out: it is not answered. */
  reviewDelayMs: () => number = () => 0;

  /** Between the API server and the webhook. */
  webhookPath(clock: Clock): (answer: CallWebhook) => CallWebhook {
    return (answer) => async (call) => {
      const delayMs = this.reviewDelayMs();
      if (delayMs > 0) await clock.sleep(delayMs, call.signal);
      if (call.signal.aborted) throw new Error('context deadline exceeded');
      return answer(call);
    };
  }
}
