// The way between a process and the API server: requests and answers take a while on it, and what a watch says arrives late and in order.

import type { Clock } from '../ports/clock.ts';
import { isWatch, type Http } from '../ports/http.ts';
import type { Pace } from '../simulation/controllers/pace.ts';

export function distantHttp(http: Http, { clock, pace }: { clock: Clock; pace: Pace }): Http {
  return {
    async send(request) {
      await clock.sleep(pace.requestMs());
      const answer = await http.send(request);
      await clock.sleep(pace.requestMs(), request.signal);
      return isWatch(request) ? { ...answer, body: arriving(answer.body, () => clock.sleep(pace.watchMs(), request.signal)) } : answer;
    },
  };
}

async function* arriving(body: AsyncIterable<Uint8Array>, onItsWay: () => Promise<void>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    await onItsWay();
    yield piece;
  }
}
