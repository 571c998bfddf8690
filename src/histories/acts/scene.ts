// What an act finds: sets, pods, claims and records as they are at this moment, and how to wait for the right one.

import { claims, pods, statefulSets, volumes, type PersistentVolume, type PersistentVolumeClaim, type Pod, type StatefulSet } from '../../kubernetes/objects.ts';
import { isTerminating } from '../../kubernetes/reading.ts';
import { claimsOf, inFlight, ordinalMigrations, phaseOf, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import { ADMIN, Refusal, type Client } from '../../simulation/apiserver/contract.ts';
import type { EcsAction, EcsParameters } from '../../ports/ecs-call.ts';
import type { Dice } from '../dice.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';

/** There is nothing that the act could be done to. */
export class NothingToDo extends Error {
  constructor(what: string) {
    super(`there is ${what}`);
    this.name = 'NothingToDo';
  }
}

/** The cloud refused, or gave no answer. */
export class CloudSaidNo extends Error {
  constructor(action: EcsAction, why: string) {
    super(`${action}: ${why}`);
    this.name = 'CloudSaidNo';
  }
}

/** At the cloud's console. @throws CloudSaidNo */
export async function atTheConsole({ simulated }: HistoryWorld, action: EcsAction, parameters: EcsParameters): Promise<void> {
  const exchange = await simulated.ecs.answer(action, parameters);
  if (exchange.kind !== 'answer') throw new CloudSaidNo(action, exchange.kind === 'error' ? exchange.message : exchange.kind);
}

/** A person with a kubeconfig of the administrator. */
export function person({ simulated }: HistoryWorld): Client {
  return simulated.client(ADMIN);
}

export function liveSets({ simulated }: HistoryWorld): StatefulSet[] {
  return simulated.server.readAll(statefulSets, { namespace: NAMESPACE }).filter((set) => !isTerminating(set));
}

export function podsOf({ simulated }: HistoryWorld): Pod[] {
  return simulated.server.readAll(pods, { namespace: NAMESPACE }).filter((pod) => !isTerminating(pod));
}

export function claimsThere({ simulated }: HistoryWorld): PersistentVolumeClaim[] {
  return simulated.server.readAll(claims, { namespace: NAMESPACE }).filter((claim) => !isTerminating(claim));
}

export function volumesThere({ simulated }: HistoryWorld): PersistentVolume[] {
  return simulated.server.readAll(volumes).filter((volume) => !isTerminating(volume));
}

export function records({ simulated }: HistoryWorld): OrdinalMigration[] {
  return simulated.server.readAll(ordinalMigrations, { namespace: NAMESPACE });
}

export function recordsInFlight(world: HistoryWorld): OrdinalMigration[] {
  return records(world).filter(inFlight);
}

/** @throws NothingToDo */
export function aSet(world: HistoryWorld, dice: Dice): StatefulSet {
  return chosen(liveSets(world), dice, 'no StatefulSet');
}

/** @throws NothingToDo */
export function chosen<T>(candidates: readonly T[], dice: Dice, none: string): T {
  const one = dice.maybeOne(candidates);
  if (one === undefined) throw new NothingToDo(none);
  return one;
}

/** The pod of an ordinal under way twice as often as another. @throws NothingToDo */
export function aPod(world: HistoryWorld, dice: Dice): Pod {
  const all = podsOf(world);
  const names = new Set(recordsInFlight(world).map(({ spec }) => `${spec.statefulSetRef.name}-${spec.ordinal}`));
  const moving = all.filter(({ metadata }) => names.has(metadata.name));
  return chosen(dice.chance(0.6) && moving.length > 0 ? moving : all, dice, 'no pod');
}

/** A record in flight with its claims, as soon as there is one that fits. @throws NothingToDo */
export function aMove(world: HistoryWorld, dice: Dice, fits: (record: OrdinalMigration) => boolean = () => true): Promise<OrdinalMigration> {
  return awaited(world, () => dice.maybeOne(recordsInFlight(world).filter(fits)), 'no such move in flight');
}

export function phaseIs(...phases: string[]): (record: OrdinalMigration) => boolean {
  return (record) => phases.includes(phaseOf(record));
}

export function partsOf(record: OrdinalMigration): ClaimRecord[] {
  return claimsOf(record);
}

const PATIENCE_MS = 300_000;
const LOOK_EVERY_MS = 1_000;
/** After a step's record: so that it is not always the same moment of it. */
const HESITATION_MS = 100;

/** Looks until there is one, or trouble is over. @throws NothingToDo */
export async function awaited<T>(world: HistoryWorld, look: () => T | undefined, what: string): Promise<T> {
  const { clock } = world.simulated;
  for (const limit = clock.monotonic() + PATIENCE_MS; world.troubled && clock.monotonic() < limit; await nextStep(world)) {
    const found = look();
    if (found !== undefined) return found;
  }
  throw new NothingToDo(what);
}

async function nextStep({ simulated: { server, clock }, random }: HistoryWorld): Promise<void> {
  const written = new AbortController();
  const unfollow = server.follow(ordinalMigrations, () => written.abort());
  await clock.sleep(LOOK_EVERY_MS, written.signal);
  unfollow();
  if (written.signal.aborted) await clock.sleep(Math.floor(random.next() ** 3 * HESITATION_MS));
}

const secondHalves = new WeakMap<HistoryWorld, number>();

/** What was taken away for a while is still to be put back. */
export function isSecondHalfToCome(world: HistoryWorld): boolean {
  return (secondHalves.get(world) ?? 0) > 0;
}

/** The second half of an act, also when trouble is over by then: what was taken away is put back. What is refused is not tried again. */
export function later(world: HistoryWorld, ms: number, act: () => Promise<unknown>): void {
  secondHalf(world, ms, async () => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      world.trace.note(`act      the second half was refused: ${error.message}`);
    }
  });
}

/** As `later`, and again until nobody says no: for what must not stay as it is. */
export function untilDone(world: HistoryWorld, ms: number, act: () => Promise<unknown>): void {
  secondHalf(world, ms, async () => {
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        if (!(error instanceof Refusal || error instanceof CloudSaidNo)) throw error;
        world.trace.note(`act      not put back yet: ${error.message}`);
        await world.simulated.clock.sleep(5_000);
      }
    }
  });
}

function secondHalf(world: HistoryWorld, ms: number, act: () => Promise<void>): void {
  const count = (change: number): void => void secondHalves.set(world, (secondHalves.get(world) ?? 0) + change);
  count(1);
  world.simulated.clock.after(ms, async () => {
    await act();
    count(-1);
  });
}
