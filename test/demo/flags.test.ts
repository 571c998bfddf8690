// The command line of the demo: what it takes, and what it says when it does not.

import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../src/demo/embedded/scenarios/index.ts';
import { readFlags, type Wish } from '../../src/demo/flags.ts';

function read(...args: string[]): { wish: Wish; out: string; error: string } {
  const said = { out: '', error: '' };
  const wish = readFlags(args, { out: (text) => (said.out += text), error: (text) => (said.error += text) });
  return { wish, ...said };
}

describe('what it takes', () => {
  test('nothing at all: the first story, at its own speed', () => {
    expect(read().wish).toMatchObject({ kind: 'embedded', scenario: { name: 'spread' }, speed: 60, keep: false });
  });

  test.each(SCENARIOS.map(({ name, speed }) => [name, speed] as const))('--scenario %s', (name, speed) => {
    expect(read('--scenario', name).wish).toMatchObject({ kind: 'embedded', scenario: { name }, speed });
  });

  test.each([
    ['60', 60],
    ['0.5', 0.5],
    ['100000', 100_000],
    ['max', 'max'],
  ])('--speed %s', (text, speed) => {
    expect(read('--speed', text).wish).toMatchObject({ speed });
  });

  test('--seed and --keep', () => {
    expect(read('--seed', '4711', '--keep').wish).toMatchObject({ kind: 'embedded', seed: 4711, keep: true });
  });

  test('--real', () => {
    expect(read('--real').wish).toEqual({ kind: 'real' });
  });
});

describe('what it says', () => {
  test.each([['--help'], ['--scenario', 'help']])('%s lists every scenario with a sentence', (...args) => {
    const { wish, out } = read(...args.filter((one) => one !== undefined));

    expect(wish).toEqual({ kind: 'said', exitCode: 0 });
    for (const { name, summary } of SCENARIOS) expect(out).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20).replaceAll(/[()]/g, '.')}`, 'm'));
  });

  test.each<[string[], RegExp]>([
    [['--speed', '0'], /--speed.*'0' is invalid.*factor above 0/],
    [['--speed', '-3'], /--speed/],
    [['--speed', 'fast'], /'fast' is invalid.*or max/],
    [['--speed', ''], /factor above 0/],
    [['--speed', '1e9'], /up to 100000/],
    [['--speed'], /--speed.*missing/],
    [['--seed', '1.5'], /whole number/],
    [['--seed', '99999999999'], /from 0 to 4294967295/],
    [['--scenario', 'sunny-day'], /no scenario "sunny-day"; there are:\n {2}spread /],
    [['--keep', '--speed', 'max'], /--keep with --speed max.*--speed 600/],
    [['--real', '--keep', '--seed', '1'], /--seed, --keep cannot go with --real.*npm run controlplane/],
    [['--real', '--scenario', 'spread'], /--scenario cannot go with --real/],
    [['spread'], /too many arguments/],
    [['--sped', '3'], /unknown option '--sped'.*\n.*--speed/],
  ])('%j is refused, with what to do instead', (args, words) => {
    const { wish, error } = read(...args);

    expect(wish).toEqual({ kind: 'said', exitCode: 2 });
    expect(error).toMatch(words);
    expect(error).toContain('npm run demo -- --help');
  });
});
