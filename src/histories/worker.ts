// Plays the seeds that it is handed, in a thread of its own.

import { parentPort } from 'node:worker_threads';
import { drawPlan } from './draw.ts';
import { play } from './play.ts';

parentPort?.on('message', (seed: number) => {
  void play(drawPlan(seed)).then(({ lines: _unread, ...outcome }) => parentPort?.postMessage(outcome));
});
