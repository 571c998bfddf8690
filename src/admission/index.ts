// What is in flight, found in one look-up by pod, claim, volume, set or UID; beside it what waits to begin and what still keeps a source.
// Fed by the watch of OrdinalMigrations; of ten thousand ended records that keep nothing it holds nothing.

import { FINALIZER } from '../kubernetes/names.ts';
import { nameOf } from '../kubernetes/reading.ts';
import { ended, inFlight, phaseOf, podNameOf, type ClaimRecord, type OrdinalMigration } from '../migration/record.ts';
import { steeringOf, steeringRecord, type Steering } from '../migration/steering.ts';

/** A claim of a moving ordinal: the record that steers it, and all that name it (a Reverse and the move that it takes back). */
export interface HeldClaim {
  record: OrdinalMigration;
  claim: ClaimRecord;
  all: OrdinalMigration[];
}

export class InFlightIndex {
  /** By namespace and name. */
  readonly #records = new Map<string, OrdinalMigration>();
  readonly #byUID = new Map<string, OrdinalMigration>();
  readonly #byPod = new Multimap();
  readonly #byClaim = new Multimap();
  readonly #bySet = new Multimap();
  readonly #byVolume = new Multimap();
  /** Not begun yet, by namespace and name. */
  readonly #waiting = new Map<string, OrdinalMigration>();
  /** Ended, with a source that is kept for its retention: by namespace and name, and by UID. */
  readonly #keeping = new Map<string, OrdinalMigration>();
  readonly #keepingByUID = new Map<string, OrdinalMigration>();

  /** A record as it is now. */
  put(record: OrdinalMigration): void {
    this.remove(record.metadata.namespace ?? '', record.metadata.name);
    if (inFlight(record)) this.#putInFlight(record);
    else if (phaseOf(record) === 'Pending') this.#waiting.set(nameOf(record), record);
    else if (keepsSource(record)) {
      this.#keeping.set(nameOf(record), record);
      this.#keepingByUID.set(record.metadata.uid ?? '', record);
    }
  }

  remove(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    this.#waiting.delete(key);
    const keeping = this.#keeping.get(key);
    if (keeping !== undefined) {
      this.#keeping.delete(key);
      this.#keepingByUID.delete(keeping.metadata.uid ?? '');
    }
    const known = this.#records.get(key);
    if (known !== undefined) this.#removeInFlight(known);
  }

  #putInFlight(record: OrdinalMigration): void {
    this.#records.set(nameOf(record), record);
    this.#byUID.set(record.metadata.uid ?? '', record);
    for (const [map, key] of this.#placesOf(record)) map.add(key, record);
  }

  #removeInFlight(known: OrdinalMigration): void {
    this.#records.delete(nameOf(known));
    this.#byUID.delete(known.metadata.uid ?? '');
    for (const [map, key] of this.#placesOf(known)) map.remove(key, known);
  }

  /** How many are in flight. */
  get size(): number {
    return this.#records.size;
  }

  /** How to treat the pod: undefined when nothing moves it. */
  steeringOfPod(namespace: string, podName: string): { record: OrdinalMigration; steering: Steering } | undefined {
    const record = steeringRecord(this.#byPod.get(`${namespace}/${podName}`));
    return record === undefined ? undefined : this.#steering(record);
  }

  steeringOfUID(migrationUID: string): { record: OrdinalMigration; steering: Steering } | undefined {
    const record = this.#byUID.get(migrationUID);
    return record === undefined ? undefined : this.#steering(record);
  }

  claim(namespace: string, claimName: string): HeldClaim | undefined {
    const all = this.#byClaim.get(`${namespace}/${claimName}`);
    const record = steeringRecord(all);
    const claim = record?.status?.claims?.find((candidate) => candidate.claimName === claimName);
    return record === undefined || claim === undefined ? undefined : { record, claim, all };
  }

  /** Records of which the volume is source or target. */
  volume(name: string): OrdinalMigration[] {
    return this.#byVolume.get(name);
  }

  /** Records of a StatefulSet; `group` is `apps` or `apps.kruise.io`. */
  set(namespace: string, group: string, name: string): OrdinalMigration[] {
    return this.#bySet.get(`${namespace}/${group}/${name}`);
  }

  withUID(migrationUID: string | undefined): OrdinalMigration | undefined {
    return migrationUID === undefined ? undefined : this.#byUID.get(migrationUID);
  }

  named(namespace: string, name: string): OrdinalMigration | undefined {
    return this.#records.get(`${namespace}/${name}`);
  }

  inNamespace(namespace: string): OrdinalMigration[] {
    return [...this.#records.values()].filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** Records of the same ordinal that have not ended, but this one: in flight, or waiting to begin. */
  othersOf(record: OrdinalMigration): OrdinalMigration[] {
    return [...this.#records.values(), ...this.#waiting.values()].filter((other) => isOfSameOrdinal(other, record) && other.metadata.name !== record.metadata.name);
  }

  /** The ended record of that UID, while its source is kept. */
  keeping(migrationUID: string | undefined): OrdinalMigration | undefined {
    return migrationUID === undefined ? undefined : this.#keepingByUID.get(migrationUID);
  }

  #steering(record: OrdinalMigration): { record: OrdinalMigration; steering: Steering } | undefined {
    const steering = steeringOf(record);
    return steering === undefined ? undefined : { record, steering };
  }

  #placesOf(record: OrdinalMigration): [Multimap, string][] {
    const namespace = record.metadata.namespace ?? '';
    const { name } = record.spec.statefulSetRef;
    const claims = record.status?.claims ?? [];
    const volumes = new Set(claims.flatMap((claim) => [claim.source.pv, claim.target?.pv]).filter((pv) => pv !== undefined));
    return [
      [this.#byPod, `${namespace}/${podNameOf(record)}`],
      [this.#bySet, `${namespace}/${groupOf(record)}/${name}`],
      ...claims.map((claim): [Multimap, string] => [this.#byClaim, `${namespace}/${claim.claimName}`]),
      ...[...volumes].map((pv): [Multimap, string] => [this.#byVolume, pv]),
    ];
  }
}

/** The finalizer stays until source and snapshot are retired, or released. */
function keepsSource(record: OrdinalMigration): boolean {
  return ended(record) && (record.metadata.finalizers ?? []).includes(FINALIZER);
}

function isOfSameOrdinal(a: OrdinalMigration, b: OrdinalMigration): boolean {
  return a.metadata.namespace === b.metadata.namespace && groupOf(a) === groupOf(b) && podNameOf(a) === podNameOf(b);
}

function groupOf({ spec }: OrdinalMigration): string {
  return spec.statefulSetRef.apiVersion.split('/')[0] ?? '';
}

class Multimap {
  readonly #entries = new Map<string, OrdinalMigration[]>();

  get(key: string): OrdinalMigration[] {
    return this.#entries.get(key) ?? [];
  }

  add(key: string, record: OrdinalMigration): void {
    this.#entries.set(key, [...this.get(key), record]);
  }

  remove(key: string, record: OrdinalMigration): void {
    const left = this.get(key).filter((other) => other !== record);
    if (left.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, left);
  }
}
