// The cheapest exchange for each pair of zones: which family gives an ordinal from one to the other at the least cost. One tournament a
// pair: a family whose cost has changed plays its way up again, the winner is known at once.

export interface Exchanges {
  zoneCount: number;
  contestants: number;
  /** Leaves of each tournament: the next power of two. */
  leaves: number;
  /** By pair and family; Infinity where it has nobody to give, or may not be there. */
  costs: Float64Array;
  /** By pair and inner node, the root being 1: the family that won there. */
  winners: Int32Array;
  /** By pair: the winner's cost. */
  cheapest: Float64Array;
}

/** `costOf` is asked once for every pair and family. */
export function openExchanges({ zoneCount, contestants }: { zoneCount: number; contestants: number }, costOf: (family: number, from: number, to: number) => number): Exchanges {
  const leaves = 2 ** Math.ceil(Math.log2(Math.max(2, contestants)));
  const pairs = zoneCount * zoneCount;
  const exchanges: Exchanges = {
    zoneCount,
    contestants,
    leaves,
    costs: new Float64Array(pairs * contestants).fill(Infinity),
    winners: new Int32Array(pairs * leaves),
    cheapest: new Float64Array(pairs).fill(Infinity),
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    const from = Math.floor(pair / zoneCount);
    const to = pair % zoneCount;
    if (from !== to) openPair(exchanges, pair, (family) => costOf(family, from, to));
  }
  return exchanges;
}

function openPair(exchanges: Exchanges, pair: number, costOf: (family: number) => number): void {
  const { contestants, leaves, costs, winners } = exchanges;
  for (let family = 0; family < contestants; family += 1) costs[pair * contestants + family] = costOf(family);
  for (let node = leaves - 1; node > 0; node -= 1) winners[pair * leaves + node] = winnerAt(exchanges, pair, node);
  crown(exchanges, pair);
}

/** Of two that cost the same the first family: the same input always gives the same layout. */
function winnerAt(exchanges: Exchanges, pair: number, node: number): number {
  const left = contestantAt(exchanges, pair, 2 * node);
  const right = contestantAt(exchanges, pair, 2 * node + 1);
  return costFor(exchanges, pair, right) < costFor(exchanges, pair, left) ? right : left;
}

function contestantAt({ leaves, winners }: Exchanges, pair: number, node: number): number {
  return node < leaves ? (winners[pair * leaves + node] ?? 0) : node - leaves;
}

/** Infinity at the leaves that nobody has. */
function costFor({ contestants, costs }: Exchanges, pair: number, family: number): number {
  return family < contestants ? (costs[pair * contestants + family] ?? Infinity) : Infinity;
}

function crown(exchanges: Exchanges, pair: number): void {
  exchanges.cheapest[pair] = costFor(exchanges, pair, contestantAt(exchanges, pair, 1));
}

/** The family has another cost now. */
export function enter(exchanges: Exchanges, pair: number, { family, cost }: { family: number; cost: number }): void {
  const { contestants, leaves, costs, winners } = exchanges;
  if (costs[pair * contestants + family] === cost) return;
  costs[pair * contestants + family] = cost;
  for (let node = (leaves + family) >> 1; node > 0; node >>= 1) {
    const before = winners[pair * leaves + node];
    const winner = winnerAt(exchanges, pair, node);
    winners[pair * leaves + node] = winner;
    if (winner === before && winner !== family) return; // Further up nobody sees the change.
  }
  crown(exchanges, pair);
}

export function cheapestFamily(exchanges: Exchanges, pair: number): number {
  return contestantAt(exchanges, pair, 1);
}
