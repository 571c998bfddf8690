// Whose time a downtime was.

import { describe, expect, test } from 'vitest';
import { accountOf, meanGaps, meanParts, spansOf, type MoveBooks, type Spans } from '../../src/demo/accounting.ts';

describe('the account of a downtime', () => {
  test('what no part covers is overhead, told by the part that it came before', () => {
    const account = accountOf({ from: 1_000, to: 2_000 }, { stop: { from: 1_050, to: 1_250 }, snapshot: { from: 1_350, to: 1_750 }, ready: { from: 1_750, to: 1_950 } });

    expect(account).toEqual({
      downtimeMs: 1_000,
      neededMs: 800,
      overheadMs: 200,
      overheadRatio: 0.25,
      gaps: [
        { before: 'stop', ms: 50 },
        { before: 'snapshot', ms: 100 },
        { before: 'end', ms: 50 },
      ],
    });
  });

  test('two parts at once count once', () => {
    const account = accountOf({ from: 0, to: 100 }, { stop: { from: 0, to: 60 }, detach: { from: 20, to: 40 }, snapshot: { from: 50, to: 100 } });

    expect(account).toMatchObject({ neededMs: 100, overheadMs: 0, gaps: [] });
  });

  test('what a part took outside the downtime is not counted', () => {
    expect(accountOf({ from: 100, to: 200 }, { stop: { from: 50, to: 150 }, ready: { from: 180, to: 400 } })).toMatchObject({ neededMs: 70, overheadMs: 30 });
  });

  test('a part that nobody has noted is overhead, not a gift', () => {
    expect(accountOf({ from: 0, to: 100 }, {})).toMatchObject({ neededMs: 0, overheadMs: 100, overheadRatio: Number.POSITIVE_INFINITY });
  });
});

describe('the parts of a move', () => {
  const pod = { namespace: 'demo', name: 'web-5', node: 'node-a1', zone: 'a' };
  const books: MoveBooks = {
    before: { ...pod, uid: 'old', seenAt: 0, attachedAt: 1, startedAt: 2, readyAt: 3, killedAt: 1_000, stoppedAt: 1_100, unmountedAt: 1_150 },
    after: { ...pod, uid: 'new', seenAt: 1_900, attachedAt: 2_000, startedAt: 2_200, readyAt: 2_300 },
    diskEvents: [
      { id: 'd-old', event: 'Detaching', at: 10 },
      { id: 'd-old', event: 'Available', at: 20 },
      { id: 'd-old', event: 'Detaching', at: 1_200 },
      { id: 'd-other', event: 'Available', at: 1_250 },
      { id: 'd-old', event: 'Available', at: 1_300 },
      { id: 'd-new', event: 'created', at: 1_500 },
      { id: 'd-new', event: 'tagged', at: 1_510 },
      { id: 'd-new', event: 'Available', at: 1_600 },
      { id: 'd-new', event: 'Attaching', at: 1_800 },
      { id: 'd-new', event: 'In_use', at: 1_950 },
    ],
    sourceDisk: 'd-old',
    targetDisk: 'd-new',
    snapshot: { createdAt: 1_320, availableAt: 1_480 },
  };

  test('are read off the books of kubelets and cloud, of this move and not of an earlier one', () => {
    expect(spansOf(books)).toEqual({
      stop: { from: 1_000, to: 1_100 },
      unmount: { from: 1_100, to: 1_150 },
      detach: { from: 1_200, to: 1_300 },
      snapshot: { from: 1_320, to: 1_480 },
      createDisk: { from: 1_500, to: 1_600 },
      attach: { from: 1_800, to: 1_950 },
      boot: { from: 2_000, to: 2_200 },
      ready: { from: 2_200, to: 2_300 },
    });
  });

  test('are left out where a book does not have them', () => {
    const { unmountedAt: _unmounted, ...before } = books.before;

    expect(Object.keys(spansOf({ ...books, before, diskEvents: [] }))).toEqual(['stop', 'snapshot', 'boot', 'ready']);
  });
});

describe('over several moves', () => {
  const of = (stop: number, wait: number): { spans: Spans; account: ReturnType<typeof accountOf> } => {
    const spans: Spans = { stop: { from: 0, to: stop }, ready: { from: stop + wait, to: stop + wait + 10 } };
    return { spans, account: accountOf({ from: 0, to: stop + wait + 10 }, spans) };
  };

  test('gaps and parts are told by their means', () => {
    const moves = [of(100, 20), of(300, 40)];

    expect(meanGaps(moves.map(({ account }) => account))).toEqual([{ before: 'ready', ms: 30 }]);
    expect(meanParts(moves.map(({ spans }) => spans))).toEqual(expect.arrayContaining([{ part: 'stop', ms: 200 }, { part: 'ready', ms: 10 }, { part: 'attach', ms: 0 }]));
  });
});
