// A skew allows some windows of counts [lowest, lowest + skew]; each is one flow, and the cheapest of them all are the answer. The cost is
// convex in the window: few have to be looked at to find them.

import type { Evenness } from './evenness.ts';
import type { Families } from './families.ts';
import { cheapestFlow, pricesOf, totalsOf, type Flow, type Prices, type Totals, type Window } from './flow.ts';

export interface PricedFlow {
  flow: Flow;
  prices: Prices;
  totals: Totals;
}

/** The cheapest flows of all windows of the skew, which must be one that can be had: one flow, or several that cost exactly the same. */
export function cheapestFlows(families: Families, skew: number, evenness: Evenness): PricedFlow[] {
  const windows = windowsOf(families, skew, evenness);
  const priced = new Map<number, PricedFlow>();
  let known: Prices | undefined;
  const at = (index: number): PricedFlow => {
    const flow = priced.get(index) ?? pricedFlow(families, windows[index] ?? { lowest: 0, highest: families.size }, known);
    priced.set(index, flow);
    known = flow.prices;
    return flow;
  };
  const risesAfter = (index: number): number => compareTotals(at(index + 1).totals, at(index).totals);
  const first = firstWhere(windows.length - 1, (index) => risesAfter(index) >= 0);
  const last = firstWhere(windows.length - 1, (index) => risesAfter(index) > 0);
  return Array.from({ length: last - first + 1 }, (_, offset) => at(first + offset));
}

function pricedFlow(families: Families, window: Window, known: Prices | undefined): PricedFlow {
  const flow = cheapestFlow(families, window, known);
  return { flow, prices: pricesOf(flow), totals: totalsOf(flow) };
}

/** Of 0 … count, if it holds for one it holds for all after it; `count` when it holds for none before that. */
function firstWhere(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function compareTotals(a: Totals, b: Totals): number {
  const index = a.findIndex((total, position) => total !== b[position]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

/**
 * Windows that have a layout and of which none is part of another, each as tight as the number of ordinals makes it. A layout exists when the
 * window's highest is not below the fullest zone of the most even layout, nor its lowest above the emptiest one.
 */
function windowsOf({ zoneCount, size }: Families, skew: number, { fullest, emptiest }: Evenness): Window[] {
  // Below the first its lowest binds nobody, above the last its highest: such a window is part of its neighbour.
  const first = Math.max(0, fullest - skew, Math.ceil((size - (zoneCount - 1) * skew) / zoneCount));
  const last = Math.max(first, Math.min(emptiest, Math.floor((size - skew) / zoneCount)));
  return Array.from({ length: last - first + 1 }, (_, offset) => tightened({ lowest: first + offset, highest: first + offset + skew }, { zoneCount, size }));
}

function tightened({ lowest, highest }: Window, { zoneCount, size }: { zoneCount: number; size: number }): Window {
  const others = zoneCount - 1;
  return { lowest: Math.max(lowest, size - others * highest), highest: Math.min(highest, size - others * lowest) };
}
