import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GUARDS } from '../../src/planner/guards/index.ts';
import { BLOCK_REASONS, MOVE_REASONS, STAY_REASONS, UNSATISFIED_REASONS } from '../../src/planner/reasons.ts';

const document_ = readFileSync(new URL('../../docs/planning.md', import.meta.url), 'utf8');

/** Reasons in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = document_.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `(?<reason>\w+)` \|/gm)].map(({ groups }) => groups!['reason']!);
}

describe('docs/planning.md explains', () => {
  it.each([
    ['Why an ordinal moves', MOVE_REASONS],
    ['Why an ordinal stays', STAY_REASONS],
    ['Why a set is not satisfied', UNSATISFIED_REASONS],
    ['What holds a move', BLOCK_REASONS],
  ])('%s: every reason, and no other', (heading, reasons) => {
    expect(documented(heading).toSorted()).toEqual([...reasons].toSorted());
  });

  it('what holds a move in the order in which it is looked at', () => {
    expect(documented('What holds a move')).toEqual([...BLOCK_REASONS]);
  });
});

it('every reason of the list is given by a guard, or by what decides whose turn it is', () => {
  const elsewhere = ['OrdinalNotFound', 'Disabled', 'ApprovalNeeded'];
  expect([...GUARDS.map(({ reason }) => reason), ...elsewhere].toSorted()).toEqual([...BLOCK_REASONS].toSorted());
});
