// What is written down of a history: every change of the store, every call and change in the cloud, every request that was refused, what
// the product says. The invariants are asked at each of them; the first that does not hold ends the history.

import { DAEMON_USER } from '../embedded/cluster.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { volumePhase } from '../kubernetes/reading.ts';
import { ordinalMigrations, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import type { Log, LogFields } from '../ports/log.ts';
import type { RequestRecord, StoreEvent } from '../simulation/apiserver/contract.ts';
import type { HistoryEntry } from '../simulation/ecs/records.ts';
import type { Coverage } from './coverage.ts';
import { changes } from './invariants/cloud-calls.ts';
import type { Trace } from './trace.ts';
import { Broken, type CloudCall, type Invariant } from './world.ts';

/** Kinds that a reader of a trace follows; the others are in the hash alone. */
const FOLLOWED = new Set(['Pod', 'PersistentVolumeClaim', 'PersistentVolume', 'OrdinalMigration', 'StatefulSet', 'VolumeAttachment', 'Namespace', 'Node']);

/** Written without any end. */
const ALWAYS_WRITTEN = new Set(['leases.coordination.k8s.io', 'events']);

/** Several times what a busy history has, without what others than the daemon read in the cloud: a driver polls a stuck disk for as long as it takes. */
const MANY_EVENTS = 60_000;

export class Books {
  readonly #trace: Trace;
  readonly #coverage: Coverage;
  readonly #onBroken: (broken: Broken) => void;
  #invariants: readonly Invariant[] = [];
  /** Reads of the cloud by others than our daemons. */
  #polls = 0;
  /** Changes that our daemons made, leases and events aside. */
  daemonWrites = 0;

  constructor({ trace, coverage, onBroken }: { trace: Trace; coverage: Coverage; onBroken: (broken: Broken) => void }) {
    this.#trace = trace;
    this.#coverage = coverage;
    this.#onBroken = onBroken;
  }

  /** From now on these must hold. */
  hold(invariants: readonly Invariant[]): void {
    this.#invariants = invariants;
  }

  stored(event: StoreEvent): void {
    if (this.#trace.events - this.#polls > MANY_EVENTS) this.#onBroken(new Broken('I7 comes to rest', `${MANY_EVENTS} events, and no end: something goes round and round`));
    const { type, resource, object, version } = event;
    const important = FOLLOWED.has(resource.kind);
    this.#trace.note(important ? `${type.toLowerCase().padEnd(8)} ${resource.kind} ${object.metadata.name} ${wordsOf(event)}` : `${type} ${resource.kind} ${object.metadata.name} ${version}`, { important });
    if (resource.kind === ordinalMigrations.kind) this.#countSteps(event as StoreEvent<OrdinalMigration>);
    this.#ask((invariant) => invariant.onStore?.(event));
  }

  happenedInCloud(entry: HistoryEntry): void {
    const { subject, id, event, details } = entry;
    const reads = subject === 'call' && !changes(event);
    if (reads) this.#polls += 1;
    this.#trace.note(`cloud    ${subject} ${subject === 'call' ? '' : `${id} `}${event} ${JSON.stringify(details)}`, { important: !reads && subject !== 'guest' });
    this.#ask((invariant) => invariant.onCloud?.(entry));
  }

  called(call: CloudCall): void {
    if (changes(call.action)) this.#coverage.met(`call: ${call.action}`);
    else this.#polls -= 1;
    this.#ask((invariant) => invariant.onCall?.(call));
  }

  requested(request: RequestRecord): void {
    const { user, verb, resource, name, code, reason, version } = request;
    if (user === DAEMON_USER.username && version !== undefined && !ALWAYS_WRITTEN.has(resource)) this.daemonWrites += 1;
    // A watch has no answer of its own, and who polls is told the same again and again.
    if (code >= 400 && code !== 404) this.#trace.note(`refused  ${user} ${verb} ${resource} ${name}: ${code} ${reason}`);
    else this.#trace.note(`${user} ${verb} ${resource} ${name} ${code}`, { important: false });
    this.#ask((invariant) => invariant.onRequest?.(request));
  }

  atRest(): void {
    this.#ask((invariant) => invariant.atRest?.());
  }

  /** What the product's processes say. */
  log(who: string): Log {
    return new TracedLog(this.#trace, who);
  }

  #countSteps({ object, previous }: StoreEvent<OrdinalMigration>): void {
    const { step, course } = object.status ?? {};
    const phase = phaseOf(object);
    if (previous === undefined || phaseOf(previous) !== phase) this.#coverage.met(`phase: ${phase}`);
    if (step !== undefined && (previous?.status?.step !== step || previous.status.course !== course)) this.#coverage.met(`${course ?? 'Forward'}: ${step}`);
  }

  #ask(question: (invariant: Invariant) => string | undefined): void {
    for (const invariant of this.#invariants) {
      const wrong = question(invariant);
      if (wrong === undefined) continue;
      this.#trace.note(`BROKEN   ${invariant.name}: ${wrong}`);
      this.#onBroken(new Broken(invariant.name, wrong));
    }
  }
}

/** What a reader wants to know of the object's new state. */
function wordsOf({ object }: StoreEvent): string {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  const ending = deletionTimestamp === undefined ? '' : `terminating${finalizers.length > 0 ? ` (held by ${finalizers.join(', ')})` : ''}`;
  return [WORDS[object.kind ?? '']?.(object) ?? '', ending].filter((part) => part !== '').join(' ');
}

interface Loose extends KubernetesObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

const WORDS: Record<string, (object: Loose) => string> = {
  Pod: ({ spec, status }) => [gated(spec), spec?.['nodeName'], status?.['phase'], ready(status)].filter((word) => word !== undefined && word !== '').join(' '),
  PersistentVolumeClaim: ({ spec, status }) => `→ ${text(spec, 'volumeName', '–')} ${text(status, 'phase')}`,
  PersistentVolume: (volume) => `${String(volume.spec?.['persistentVolumeReclaimPolicy'])} ${volumePhase(volume as never) ?? ''} → ${(volume.spec?.['claimRef'] as { name?: string } | undefined)?.name ?? '–'}`,
  OrdinalMigration: (record) => [phaseOf(record as never), ...['course', 'step', 'reason', 'message'].map((field) => text(record.status, field))].join(' '),
  StatefulSet: ({ spec }) => `replicas ${String(spec?.['replicas'])}`,
  VolumeAttachment: ({ spec, status }) => `${String(spec?.['nodeName'])} ${JSON.stringify(spec?.['source'])} attached ${status?.['attached'] === true}`,
};

function text(fields: Record<string, unknown> | undefined, name: string, without = ''): string {
  const value = fields?.[name];
  return typeof value === 'string' ? value : without;
}

function gated(spec: Record<string, unknown> | undefined): string {
  return ((spec?.['schedulingGates'] ?? []) as unknown[]).length > 0 ? 'gated' : '';
}

function ready(status: Record<string, unknown> | undefined): string {
  const conditions = (status?.['conditions'] ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True') ? 'Ready' : '';
}

class TracedLog implements Log {
  readonly #trace: Trace;
  readonly #who: string;

  constructor(trace: Trace, who: string) {
    this.#trace = trace;
    this.#who = who;
  }

  debug(): void {}

  info(message: string, fields: LogFields = {}): void {
    this.#say(message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#say(message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#say(`ERROR ${message}`, fields);
  }

  child(): Log {
    return this;
  }

  #say(message: string, { error, ...fields }: LogFields): void {
    const cause = error === undefined ? '' : ` ← ${error instanceof Error ? error.message : JSON.stringify(error)}`;
    this.#trace.note(`${this.#who.padEnd(8)} ${message}${Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`}${cause}`);
  }
}
