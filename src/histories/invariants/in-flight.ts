// I5: an ordinal has one move at a time; no more ordinals of a set are in flight than its policy allows, and no more moves in the cluster
// than the daemon was told, counted whenever one begins.

import { statefulSets, namespaces } from '../../kubernetes/objects.ts';
import { uidOf } from '../../kubernetes/reading.ts';
import { inFlight, ordinalMigrations, phaseOf, type OrdinalMigration } from '../../migration/record.ts';
import type { HistoryWorld, Invariant, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { told } from './record-state.ts';

const KEY = 'zonespread.io/max-unavailable';
/** What was declared a moment ago may still be what a slow daemon goes by: a request that takes its time, a process that was stopped. */
const REMEMBERED_MS = 180_000;

export const fewInFlight: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const allowed = new Allowances(world);
  const thaws = new Thaws(world);
  return {
    name: 'I5 few in flight',
    onStore({ type, resource, object, previous }) {
      if (resource.plural === statefulSets.plural && previous !== undefined) allowed.changed(previous);
      if (type === 'DELETED' || resource.plural !== ordinalMigrations.plural) return undefined;
      const record = object as OrdinalMigration;
      thaws.note(record, previous as OrdinalMigration | undefined);
      if (phaseOf(record) !== 'Running' || (previous !== undefined && phaseOf(previous as OrdinalMigration) !== 'Pending')) return undefined;
      const others = chronicle.live().filter((one) => inFlight(one));
      return twoOfOrdinal(record, others) ?? tooManyOfSet(record, others, allowed.of(record)) ?? tooManyAtOnce(world, record, others.filter((one) => !thaws.wasStill(one, record)));
    },
  } satisfies Invariant;
};

/** Whichever set of that name they were begun for: the claims are the same. But a move that takes another one back takes its place. */
function twoOfOrdinal(begun: OrdinalMigration, all: readonly OrdinalMigration[]): string | undefined {
  const other = ofItsSet(begun, all).find(({ metadata, spec }) => metadata.uid !== begun.metadata.uid && spec.ordinal === begun.spec.ordinal);
  return other === undefined || begun.spec.reverses !== undefined ? undefined : `record ${begun.metadata.name} has begun, and ${told(other)}, which is for the same ordinal, has not ended`;
}

function ofItsSet({ metadata: { namespace }, spec: { statefulSetRef } }: OrdinalMigration, all: readonly OrdinalMigration[]): OrdinalMigration[] {
  return all.filter(({ metadata, spec }) => metadata.namespace === namespace && spec.statefulSetRef.name === statefulSetRef.name);
}

/** A move that takes another one back is about the same ordinal. */
function tooManyOfSet(begun: OrdinalMigration, all: readonly OrdinalMigration[], most: number): string | undefined {
  const own = ofItsSet(begun, all);
  const ordinals = new Set(own.map(({ spec }) => spec.ordinal));
  if (ordinals.size <= most) return undefined;
  return `record ${begun.metadata.name} has begun, and ${ordinals.size} ordinals of StatefulSet ${begun.spec.statefulSetRef.name} are in flight (${own.map(({ metadata }) => metadata.name).join(', ')}): max-unavailable is ${most}`;
}

function tooManyAtOnce({ plan }: HistoryWorld, begun: OrdinalMigration, all: readonly OrdinalMigration[]): string | undefined {
  const moving = all.filter((record) => record.spec.reverses === undefined);
  if (begun.spec.reverses !== undefined || moving.length <= plan.product.atOnce) return undefined;
  return `record ${begun.metadata.name} has begun, and ${moving.length} moves are under way (${moving.map(({ metadata }) => metadata.name).join(', ')}): --max-migrations is ${plan.product.atOnce}`;
}

/** What was Frozen goes on by itself once its pod is Ready, also when another move is just about to begin. */
class Thaws {
  readonly #world: HistoryWorld;
  /** By UID. */
  readonly #madeAt = new Map<string, number>();
  readonly #thawedAt = new Map<string, number>();

  constructor(world: HistoryWorld) {
    this.#world = world;
  }

  note(record: OrdinalMigration, before: OrdinalMigration | undefined): void {
    const now = this.#world.simulated.clock.now();
    if (before === undefined) this.#madeAt.set(uidOf(record), now);
    else if (phaseOf(before) === 'Frozen') this.#thawedAt.set(uidOf(record), now);
  }

  /** Frozen, or it was when the other one was made. */
  wasStill(record: OrdinalMigration, begun: OrdinalMigration): boolean {
    const thawed = this.#thawedAt.get(uidOf(record)) ?? Number.NEGATIVE_INFINITY;
    return phaseOf(record) === 'Frozen' || thawed > (this.#madeAt.get(uidOf(begun)) ?? Number.POSITIVE_INFINITY);
  }
}

/** The most that a set has allowed of late. */
class Allowances {
  readonly #world: HistoryWorld;
  readonly #earlier: { set: string; most: number; until: number }[] = [];

  constructor(world: HistoryWorld) {
    this.#world = world;
  }

  changed(previous: { metadata: { name: string; annotations?: Record<string, string> } }): void {
    const most = Number(previous.metadata.annotations?.[KEY] ?? 1);
    if (most > 1) this.#earlier.push({ set: previous.metadata.name, most, until: this.#world.simulated.clock.now() });
  }

  of({ metadata, spec }: OrdinalMigration): number {
    const { server, clock } = this.#world.simulated;
    const { namespace = '' } = metadata;
    const { name } = spec.statefulSetRef;
    const declared = server.read(statefulSets, { namespace, name })?.metadata.annotations?.[KEY] ?? server.read(namespaces, { name: namespace })?.metadata.annotations?.[KEY];
    const earlier = this.#earlier.filter(({ set, until }) => set === name && clock.now() - until <= REMEMBERED_MS).map(({ most }) => most);
    return Math.max(Number(declared ?? 1), ...earlier);
  }
}
