// What people have put on a claim is on the claim of that name as long as there is one, however often a move makes it anew.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { claims, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { isTerminating, labelOf } from '../../kubernetes/reading.ts';
import type { RequestRecord, StoreEvent } from '../../simulation/apiserver/contract.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { isPerson } from './by-hand.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';

/** The label and the annotation that people write in histories. */
const LABEL = 'team';
const ANNOTATION = 'note';

export const labelsStay: InvariantOf = (world) => {
  const labels = new Labels(world);
  return {
    name: 'labels stay',
    onRequest: (request) => labels.asked(request),
    onStore: (event) => labels.changed(event),
    atRest: () => labels.lost(),
  };
};

interface Dress {
  label: string | undefined;
  annotation: string | undefined;
}

class Labels {
  readonly #world: HistoryWorld;
  readonly #chronicle: Chronicle;
  /** By namespace and name of the claim: as people left it last. What is not in it may be anything. */
  readonly #given = new Map<string, Partial<Dress>>();

  constructor(world: HistoryWorld) {
    this.#world = world;
    this.#chronicle = chronicleOf(world);
  }

  asked({ user, verb, resource, namespace, name, version }: RequestRecord): undefined {
    if (resource !== claims.plural || version === undefined) return;
    const key = `${namespace}/${name}`;
    if (verb === 'delete') return this.#deleted(key, user);
    if (!isPerson(user)) return;
    const claim = this.#world.simulated.server.read(claims, { namespace, name });
    if (claim === undefined || isTerminating(claim)) return;
    this.#given.set(key, this.#isDressed(claim) ? dressOf(claim) : onlyWhatItHad(this.#given.get(key)));
  }

  changed({ type, resource, object }: StoreEvent): undefined {
    if (type !== 'DELETED' || resource.plural !== claims.plural) return;
    if (this.#chronicle.moving(object.metadata).length === 0) this.#given.delete(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  }

  lost(): string | undefined {
    for (const [key, given] of this.#given) {
      const [namespace = '', name = ''] = key.split('/');
      const claim = this.#world.simulated.server.read(claims, { namespace, name });
      // Who takes our labels off, takes what tells us that the claim has everything.
      if (claim === undefined || isTerminating(claim) || this.#world.excuses.has(EXCUSES.editedByHand(claims.kind, name))) continue;
      const is = dressOf(claim);
      if (differs(is, given)) return `claim ${name} has ${JSON.stringify(is)}, and people had left it with ${JSON.stringify(given)}`;
    }
    return undefined;
  }

  /** The daemon deletes a claim to make it again; whoever else does wants it gone, with all that is on it. */
  #deleted(key: string, user: string): undefined {
    if (user !== DAEMON_USER.username) this.#given.delete(key);
  }

  /** Made a moment ago from its template, it still lacks what its predecessor had, which is written over what people write then. */
  #isDressed(claim: PersistentVolumeClaim): boolean {
    return labelOf(claim, MIGRATION_LABEL) !== undefined || this.#chronicle.moving(claim.metadata).every(({ claim: { source } }) => source.claimUID === claim.metadata.uid);
  }
}

function dressOf({ metadata: { labels = {}, annotations = {} } }: PersistentVolumeClaim): Dress {
  return { label: labels[LABEL], annotation: annotations[ANNOTATION] };
}

/** A claim just made gets what its predecessor had, whatever people write on it meanwhile; what that one lacked is theirs. */
function onlyWhatItHad(given: Partial<Dress> = {}): Partial<Dress> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function differs(is: Dress, given: Partial<Dress>): boolean {
  return Object.entries(given).some(([key, value]) => is[key as keyof Dress] !== value);
}
