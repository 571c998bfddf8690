// The cheapest exchange for each pair of zones: which family gives an ordinal from one to the other at the least cost. While costs only
// fall, the first to undercut the leader leads; when a leader gets dearer, the pair holds a tournament, and from then on a family whose
// cost changes plays its way up again.

export interface Exchanges {
  contestants: number;
  /** By pair and family; Infinity where it has nobody to give, or may not be there. */
  costs: Float64Array;
  /** By pair: the family that is cheapest, and its cost. */
  leaders: Int32Array;
  cheapest: Float64Array;
  /**
   * By pair that has held a tournament, and by node: who won there. Nodes 1 … contestants-1, the root being 1; node `contestants + family`
   * is the family itself.
   */
  winners: (Int32Array | undefined)[];
}

export function noExchanges({ pairs, contestants }: { pairs: number; contestants: number }): Exchanges {
  return {
    contestants,
    costs: new Float64Array(pairs * contestants).fill(Infinity),
    leaders: new Int32Array(pairs),
    cheapest: new Float64Array(pairs).fill(Infinity),
    winners: Array.from({ length: pairs }, () => undefined),
  };
}

/** The family has this cost from now on. */
export function enter(exchanges: Exchanges, pair: number, { family, cost }: { family: number; cost: number }): void {
  const { contestants, costs, leaders, cheapest, winners } = exchanges;
  if (costs[pair * contestants + family] === cost) return;
  costs[pair * contestants + family] = cost;
  const tournament = winners[pair];
  if (tournament !== undefined) replay(exchanges, pair, { family, tournament });
  else if (cost < (cheapest[pair] ?? Infinity)) crown(exchanges, pair, family);
  else if (leaders[pair] === family) winners[pair] = hold(exchanges, pair);
}

function crown({ contestants, costs, leaders, cheapest }: Exchanges, pair: number, family: number): void {
  leaders[pair] = family;
  cheapest[pair] = costs[pair * contestants + family] ?? Infinity;
}

function hold(exchanges: Exchanges, pair: number): Int32Array {
  const tournament = new Int32Array(exchanges.contestants);
  for (let node = exchanges.contestants - 1; node > 0; node -= 1) tournament[node] = winnerAt(exchanges, pair, { node, tournament });
  crown(exchanges, pair, contestantAt(exchanges, 1, tournament));
  return tournament;
}

function replay(exchanges: Exchanges, pair: number, { family, tournament }: { family: number; tournament: Int32Array }): void {
  for (let node = (exchanges.contestants + family) >> 1; node > 0; node >>= 1) {
    const winner = winnerAt(exchanges, pair, { node, tournament });
    if (winner === tournament[node] && winner !== family) return; // Further up nobody sees the change.
    tournament[node] = winner;
  }
  crown(exchanges, pair, contestantAt(exchanges, 1, tournament));
}

function winnerAt(exchanges: Exchanges, pair: number, { node, tournament }: { node: number; tournament: Int32Array }): number {
  const { contestants, costs } = exchanges;
  const left = contestantAt(exchanges, 2 * node, tournament);
  const right = contestantAt(exchanges, 2 * node + 1, tournament);
  return (costs[pair * contestants + right] ?? Infinity) < (costs[pair * contestants + left] ?? Infinity) ? right : left;
}

function contestantAt({ contestants }: Exchanges, node: number, tournament: Int32Array): number {
  return node < contestants ? (tournament[node] ?? 0) : node - contestants;
}
