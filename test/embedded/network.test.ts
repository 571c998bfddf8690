// Requests, answers and what a watch says take their time between a process and the API server.

import { describe, expect, it } from 'vitest';
import { distantHttp } from '../../src/embedded/network.ts';
import type { Http } from '../../src/ports/http.ts';
import { Pace } from '../../src/simulation/controllers/pace.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';

const PIECES = ['one', 'two', 'three'];

function distant(): { clock: Tasks; http: Http; arrivals: number[] } {
  const clock = new Tasks({ random: new SeededRandom(1) });
  const pace = new Pace(new SeededRandom(2), { watch: [5, 5], reconcile: [0, 0], request: [20, 20] });
  const arrivals: number[] = [];
  const near: Http = {
    async send() {
      arrivals.push(clock.monotonic());
      return { status: 200, headers: {}, body: said() };
    },
  };
  return { clock, http: distantHttp(near, { clock, pace }), arrivals };
}

async function* said(): AsyncGenerator<Uint8Array> {
  for (const piece of PIECES) yield new TextEncoder().encode(piece);
}

describe('the way to the API server', () => {
  it('takes as long for the request as for the answer', async () => {
    const { clock, http, arrivals } = distant();
    const began = clock.monotonic();
    await clock.settle(http.send({ method: 'GET', path: '/' }));
    expect(arrivals).toEqual([began + 20]);
    expect(clock.monotonic()).toBe(began + 40);
  });

  it('lets what a watch says arrive late, all of it and in order', async () => {
    const { clock, http } = distant();
    const { body } = await clock.settle(http.send({ method: 'GET', path: '/?watch=1' }));
    const began = clock.monotonic();
    const heard: string[] = [];
    await clock.settle(
      (async () => {
        for await (const piece of body) heard.push(new TextDecoder().decode(piece));
      })(),
    );
    expect(heard).toEqual(PIECES);
    expect(clock.monotonic()).toBe(began + 15);
  });
});
