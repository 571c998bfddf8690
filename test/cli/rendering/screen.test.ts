// Where the demo is shown: redrawn in place on a terminal, plain lines anywhere else.

import { describe, expect, test } from 'vitest';
import { createScreen, FRAME_MS } from '../../../src/cli/rendering/screen.ts';
import { line, piece, plainText } from '../../../src/cli/rendering/text.ts';
import { FakeClock } from '../../fakes/clock.ts';

const ESCAPE = '\u001B';
const RED = line(piece('red', 'bad'));

describe('a pipe or a file', () => {
  test('gets plain lines, and nothing of what is live', () => {
    const terminal = recorder({});
    const screen = createScreen(terminal, {});

    screen.say(RED, line('said  '));
    screen.show(() => [line('live')]);
    screen.note(line('noted'));
    screen.end();

    expect(terminal.text).toBe('red\nsaid\nnoted\n');
    expect(screen.live).toBe(false);
  });

  test('so does a terminal that can do nothing', () => {
    const terminal = recorder({ isTTY: true });
    createScreen(terminal, { TERM: 'dumb' }).say(RED);

    expect(terminal.text).toBe('red\n');
  });
});

describe('a terminal', () => {
  test('is drawn over in place', async () => {
    const terminal = recorder({ isTTY: true, columns: 80, rows: 24 });
    const clock = new FakeClock();
    const screen = createScreen(terminal, {}, clock);

    screen.show(() => [line('one'), line('two')]);
    terminal.text = '';
    await clock.advance(FRAME_MS);
    screen.show(() => [line('three')]);

    expect(terminal.text).toBe(`${ESCAPE}[2A\r${ESCAPE}[Jthree\n`);
  });

  test('is not drawn more often than anybody sees, but for what was taken away', () => {
    const terminal = recorder({ isTTY: true, columns: 80, rows: 24 });
    const screen = createScreen(terminal, {}, new FakeClock());
    screen.show(() => [line('one')]);
    terminal.text = '';

    screen.show(() => [line('two')]);
    expect(terminal.text).toBe('');

    screen.clear();
    screen.show(() => [line('three')]);
    expect(terminal.text).toContain('three');
  });

  test('keeps what is said, above what is live', () => {
    const terminal = recorder({ isTTY: true, columns: 80, rows: 24 });
    const screen = createScreen(terminal, {});
    screen.show(() => [line('live')]);
    terminal.text = '';

    screen.say(line('said'));
    screen.show(() => [line('live')]);

    expect(terminal.text).toBe(`${ESCAPE}[1A\r${ESCAPE}[Jsaid\nlive\n`);
  });

  test('leaves out what the live part shows anyway', () => {
    const terminal = recorder({ isTTY: true });
    createScreen(terminal, {}).note(line('noted'));

    expect(terminal.text).toBe('');
  });

  test('tells how much fits: a row is left for the cursor, and a column for terminals that wrap early', () => {
    const screen = createScreen(recorder({ isTTY: true, columns: 60, rows: 10 }), {});
    let size;
    screen.show((given) => {
      size = given;
      return [];
    });

    expect(size).toEqual({ columns: 59, rows: 9 });
  });

  test('that was made narrower has wrapped what is erased', () => {
    const terminal = recorder({ isTTY: true, columns: 80, rows: 24 });
    const screen = createScreen(terminal, {});
    screen.show(() => [line('x'.repeat(70)), line('')]);
    terminal.text = '';
    terminal.columns = 30;

    screen.clear();

    expect(terminal.text).toBe(`${ESCAPE}[4A\r${ESCAPE}[J`);
  });

  test('has its cursor back at the end', () => {
    const terminal = recorder({ isTTY: true });
    const screen = createScreen(terminal, {});

    screen.show(() => [line('live')]);
    screen.end();
    screen.end();

    expect(terminal.text.split(`${ESCAPE}[?25l`)).toHaveLength(2);
    expect(terminal.text.split(`${ESCAPE}[?25h`)).toHaveLength(2);
  });

  test.each([{}, { NO_COLOR: '' }])('is coloured: %o', (environment) => {
    const terminal = recorder({ isTTY: true });
    createScreen(terminal, environment).say(RED);

    expect(terminal.text).toBe(`${ESCAPE}[31mred${ESCAPE}[0m\n`);
    expect(plainText(RED)).toBe('red');
  });

  test('with NO_COLOR gets plain lines, as a pipe does', () => {
    const terminal = recorder({ isTTY: true });
    const screen = createScreen(terminal, { NO_COLOR: '1' });

    screen.say(RED);
    screen.show(() => [line('live')]);

    expect(terminal.text).toBe('red\n');
    expect(screen.live).toBe(false);
  });
});

function recorder(terminal: { isTTY?: boolean; columns?: number; rows?: number }) {
  return {
    ...terminal,
    text: '',
    write(text: string) {
      this.text += text;
    },
  };
}
