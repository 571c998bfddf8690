// What is in flight, found in one look-up by pod, claim, volume, set or UID. Fed by the watch of OrdinalMigrations; holds only records in
// flight, so that ten thousand ended ones cost nothing.

import { inFlight, podNameOf, type ClaimRecord, type OrdinalMigration } from '../migration/record.ts';
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

  /** A record as it is now; one that is not in flight is forgotten. */
  put(record: OrdinalMigration): void {
    this.remove(record.metadata.namespace ?? '', record.metadata.name);
    if (!inFlight(record)) return;
    this.#records.set(keyOf(record), record);
    this.#byUID.set(record.metadata.uid ?? '', record);
    for (const [map, key] of this.#placesOf(record)) map.add(key, record);
  }

  remove(namespace: string, name: string): void {
    const known = this.#records.get(`${namespace}/${name}`);
    if (known === undefined) return;
    this.#records.delete(keyOf(known));
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

  #steering(record: OrdinalMigration): { record: OrdinalMigration; steering: Steering } | undefined {
    const steering = steeringOf(record);
    return steering === undefined ? undefined : { record, steering };
  }

  #placesOf(record: OrdinalMigration): [Multimap, string][] {
    const namespace = record.metadata.namespace ?? '';
    const { apiVersion, name } = record.spec.statefulSetRef;
    const claims = record.status?.claims ?? [];
    const volumes = new Set(claims.flatMap((claim) => [claim.source.pv, claim.target?.pv]).filter((pv) => pv !== undefined));
    return [
      [this.#byPod, `${namespace}/${podNameOf(record)}`],
      [this.#bySet, `${namespace}/${apiVersion.split('/')[0] ?? ''}/${name}`],
      ...claims.map((claim): [Multimap, string] => [this.#byClaim, `${namespace}/${claim.claimName}`]),
      ...[...volumes].map((pv): [Multimap, string] => [this.#byVolume, pv]),
    ];
  }
}

function keyOf(record: OrdinalMigration): string {
  return `${record.metadata.namespace ?? ''}/${record.metadata.name}`;
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
