// Plays a story of the simulated cluster in this process, as fast as it goes, on a terminal that only remembers.

import { ClosingTime } from '../../../src/demo/closing-time.ts';
import { runEmbeddedDemo } from '../../../src/demo/embedded/run.ts';
import type { Scenario } from '../../../src/demo/embedded/scenarios/scenario.ts';
import type { Running } from '../../../src/demo/running.ts';
import { createScreen } from '../../../src/cli/rendering/screen.ts';

export interface Played {
  good: boolean;
  /** Everything that was shown. */
  text: string;
}

export interface PlayOptions {
  seed?: number;
  signal?: AbortSignal;
  terminal?: { isTTY: boolean; columns: number; rows: number };
  /** Gets what is shown while it is shown. */
  onText?: (text: string) => void;
}

export async function play(scenario: Scenario, { seed = 11, signal = new AbortController().signal, terminal, onText }: PlayOptions = {}): Promise<Played> {
  let text = '';
  const write = (more: string): void => {
    text += more;
    onText?.(more);
  };
  const closing = new ClosingTime();
  const screen = createScreen({ write, ...terminal }, {});
  const running: Running = { screen, closing, signal, keepLogs: undefined };
  try {
    const good = await runEmbeddedDemo(running, { scenario, speed: 'max', seed, start: '2026-11-20T12:00:00.000Z', keep: false });
    screen.end();
    return { good, text };
  } finally {
    await closing.close();
    screen.end();
  }
}
