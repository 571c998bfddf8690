// What pods and nodes do in place of the ordinary, switched on and off while they run. Every kubelet of a cluster shares one.

import type { PodIdentity } from './view.ts';

/** Which pods or nodes: everything that is given must agree; nothing given means all. */
export interface Match {
  namespace?: string;
  /** Name of the pod. */
  pod?: string;
  /** Name of the node. */
  node?: string;
  zone?: string;
}

/** A pod in its place, or with an empty name a node alone. */
export interface Place extends Pick<PodIdentity, 'namespace' | 'name'> {
  node: string;
  zone: string;
}

export interface Timings {
  /** Disks attached → containers running. */
  bootMs: number;
  /** Containers running → readiness probe passes. */
  readyMs: number;
  /** Deletion seen → last write made and containers ended; cut at the pod's grace period. */
  stopMs: number;
  /** Containers ended → volume unmounted and out of volumesInUse. */
  unmountMs: number;
  /** Between two writes of a running pod to each of its disks. */
  writeMs: number;
}

export const defaultTimings: Timings = { bootMs: 0, readyMs: 0, stopMs: 0, unmountMs: 0, writeMs: 500 };

/** Ends what was switched on. May be called again. */
export type Heal = () => void;

type Rule = { match: Match } & (
  | { kind: 'neverReady' | 'neverTerminates' | 'keepsVolumesInUse' | 'completes' }
  | { kind: 'slow'; timings: Partial<Timings> }
);

export class Behaviour {
  readonly #timings: Timings;
  readonly #rules: Rule[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(timings: Partial<Timings> = {}) {
    this.#timings = { ...defaultTimings, ...timings };
  }

  /** The readiness probe fails, of pods that were Ready too. */
  neverReady(match: Match): Heal {
    return this.#add({ kind: 'neverReady', match });
  }

  /** Containers go on running after a deletion, grace period or not. */
  neverTerminates(match: Match): Heal {
    return this.#add({ kind: 'neverTerminates', match });
  }

  /** The device stays in use on the node after the pod is gone. Matches nodes and zones. */
  keepsVolumesInUse(match: Pick<Match, 'node' | 'zone'>): Heal {
    return this.#add({ kind: 'keepsVolumesInUse', match });
  }

  /** Containers end by themselves, with success, once they have written: what a Job's pod does. */
  completes(match: Match): Heal {
    return this.#add({ kind: 'completes', match });
  }

  /** Other timings; later rules win. */
  slow(match: Match, timings: Partial<Timings>): Heal {
    return this.#add({ kind: 'slow', match, timings });
  }

  isNeverReady(place: Place): boolean {
    return this.#applies('neverReady', place);
  }

  isNeverTerminating(place: Place): boolean {
    return this.#applies('neverTerminates', place);
  }

  isKeepingVolumesInUse(node: { node: string; zone: string }): boolean {
    return this.#applies('keepsVolumesInUse', { namespace: '', name: '', ...node });
  }

  isCompleting(place: Place): boolean {
    return this.#applies('completes', place);
  }

  timingsOf(place: Place): Timings {
    const timings = { ...this.#timings };
    for (const rule of this.#rules) {
      if (rule.kind === 'slow' && agrees(rule.match, place)) Object.assign(timings, rule.timings);
    }
    return timings;
  }

  /** Called after every change. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #applies(kind: Rule['kind'], place: Place): boolean {
    return this.#rules.some((rule) => rule.kind === kind && agrees(rule.match, place));
  }

  #add(rule: Rule): Heal {
    this.#rules.push(rule);
    this.#tell();
    return () => {
      const at = this.#rules.indexOf(rule);
      if (at === -1) return;
      this.#rules.splice(at, 1);
      this.#tell();
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function agrees(match: Match, place: Place): boolean {
  const pairs: [wanted: string | undefined, actual: string][] = [
    [match.namespace, place.namespace],
    [match.pod, place.name],
    [match.node, place.node],
    [match.zone, place.zone],
  ];
  return pairs.every(([wanted, actual]) => wanted === undefined || wanted === actual);
}
