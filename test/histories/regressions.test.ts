// Histories that broke once hold.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawPlan } from '../../src/histories/draw.ts';
import { play } from '../../src/histories/play.ts';
import { ALSO, REGRESSIONS, SEEDS } from './regressions.ts';

describe('what broke once holds', () => {
  it.each(REGRESSIONS)('$was', async ({ plan }) => {
    const { broken } = await play(plan);
    expect(broken).toBeUndefined();
  });

  it.each(SEEDS)('seed $seed: $was', async ({ seed }) => {
    const { broken } = await play(drawPlan(seed));
    expect(broken).toBeUndefined();
  });
});

it.each(ALSO)('$was: test/$file shows it', ({ file, title }) => {
  expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(`'${title}'`);
});
