// The picture of the zone map in README.md: three moments of `npm run demo` as its live screen shows them, of one seed.

import { runEmbeddedDemo } from '../../src/demo/embedded/run.ts';
import { spread } from '../../src/demo/embedded/scenarios/spread.ts';
import { ClosingTime } from '../../src/demo/closing-time.ts';
import type { Screen } from '../../src/cli/rendering/screen.ts';
import { EMPTY, line, piece, plainText, type Line } from '../../src/cli/rendering/text.ts';
import { terminal } from './svg.ts';

const SEED = 1;
const START = '2026-11-20T12:00:00.000Z';
const SIZE = { columns: 80, rows: 24 };

/** By what the map shows then: the plan is there and nothing has moved; the second move, in the middle; all done. */
const MOMENTS: readonly [string, (text: string) => boolean][] = [
  ['before', (text) => /move 1 of 4 .*rehearse/s.test(text)],
  ['on its way', (text) => /move 2 of 4 .*createDisk/s.test(text)],
  ['after', (text) => text.includes('4 of 4 moved')],
];

/** @throws when the demo does not keep what it promises, or never shows one of the moments */
export async function zoneMap(): Promise<string> {
  const frames = await framesOfTheDemo();
  const maps = MOMENTS.map(([name, matches]) => {
    const frame = frames.find((lines) => matches(lines.map(plainText).join('\n')));
    if (frame === undefined) throw new Error(`the demo never shows the moment "${name}"`);
    return frame;
  });
  const lines = [...COMMAND, ...maps.flatMap((map, at) => [...(at === 0 ? [] : [EMPTY, RULE]), ...map])];
  return terminal(lines, { title: 'npm run demo', alt: 'Six ordinals of the StatefulSet web, all with their disks in one zone, spread over three zones: before, in the middle of the second move, and after, with two in each zone' });
}

const COMMAND: Line[] = [line(piece('$ ', 'faint'), piece('kubectl annotate statefulset web', 'plain'), piece(' zonespread.io/zones=', 'plain'), piece('cn-beijing-a,cn-beijing-b,cn-beijing-c', 'name'))];
const RULE: Line = line(piece(`  ${'─'.repeat(SIZE.columns - 4)}`, 'faint'));

async function framesOfTheDemo(): Promise<(readonly Line[])[]> {
  const frames: (readonly Line[])[] = [];
  const screen: Screen = {
    live: true,
    say() {},
    note() {},
    show: (linesFor) => void frames.push(linesFor(SIZE)),
    clear() {},
    end() {},
  };
  const closing = new ClosingTime();
  try {
    const good = await runEmbeddedDemo({ screen, closing, signal: new AbortController().signal, keepLogs: undefined }, { scenario: spread, speed: 'max', seed: SEED, start: START, keep: false });
    if (!good) throw new Error(`a promise of the demo was not kept: npm run demo -- --seed ${SEED} says which`);
    return frames;
  } finally {
    await closing.close();
  }
}
