// Histories that broke once hold.

import { describe, expect, it } from 'vitest';
import { play } from '../../src/histories/play.ts';
import { REGRESSIONS } from './regressions.ts';

describe('what broke once holds', () => {
  it.each(REGRESSIONS)('$was', async ({ plan }) => {
    const { broken } = await play(plan);
    expect(broken).toBeUndefined();
  });
});
