// Faults that the simulated cloud can be told to have, one by one and per call. They are plain data, so that another process can add them.

import { z } from 'zod';
import type { EcsAction, EcsParameters } from '../../ports/ecs-call.ts';
import type { Random } from '../../ports/random.ts';

const aboutEveryFault = {
  /** Which calls; without it every action that the fault means something to. */
  action: z.string().optional(),
  /** Parameters that the call must carry; a `Tag` list must be contained, an id list (`DiskIds`) must contain the id. */
  match: z.record(z.string(), z.unknown()).optional(),
  /** How many matching calls are hit; 0 = until the fault is removed. Without it 1. */
  times: z.int().min(0).optional(),
  /** Matching calls that go by unharmed first. */
  skip: z.int().min(0).optional(),
  /** Chance to hit a matching call, 0–1. */
  probability: z.number().min(0).max(1).optional(),
};

function kind<const K extends string, S extends z.ZodRawShape>(name: K, shape: S) {
  return z.strictObject({ ...aboutEveryFault, kind: z.literal(name), ...shape });
}

export const faultSchema = z.discriminatedUnion('kind', [
  /** An error before any effect. */
  kind('error', { code: z.string(), status: z.int().optional(), message: z.string().optional(), retryAfterMs: z.int().optional() }),
  /** `Throttling` before any effect, with x-acs-retry-after when asked for. */
  kind('throttled', { retryAfterMs: z.int().optional() }),
  /** `QuotaExceed.…` before any effect. */
  kind('quota', { code: z.string().optional() }),
  /** The caller gets no answer, after the effect or (`effect: false`) without it. `afterMs`: how long an in-process caller waits for it. */
  kind('lost', { how: z.enum(['timeout', 'reset']), effect: z.boolean().optional(), afterMs: z.int().optional() }),
  /** A 5xx in place of the answer, after the effect or (`effect: false`) without it. */
  kind('serverError', { status: z.int().optional(), code: z.string().optional(), effect: z.boolean().optional() }),
  /** An answer that is no JSON, after the effect or (`effect: false`) without it. */
  kind('broken', { status: z.int().optional(), body: z.string().optional(), effect: z.boolean().optional() }),
  /** The call takes longer: before its effect (the token is in process that long), or after it. */
  kind('delay', { ms: z.int(), when: z.enum(['before', 'after']).optional() }),
  /** Tags that this call sets show this much later. */
  kind('tagLag', { ms: z.int() }),
  /** What this call makes shows in Describe calls this much later. */
  kind('listLag', { ms: z.int() }),
  /** The client token of this call is taken for a new one. */
  kind('forgetToken', {}),
  /** The snapshot that this call makes fails, after this much of its upload. */
  kind('snapshotFails', { atProgress: z.int().min(0).max(99).optional() }),
  /** The snapshot that this call makes never gets past this progress; `available: false`: nor is it ever usable. */
  kind('snapshotStuck', { progress: z.int().min(0).max(99), available: z.boolean().optional() }),
  /** The disk stays in the passing status that this call puts it in (Creating, Attaching, Detaching), for good or for so long. */
  kind('stuck', { forMs: z.int().optional() }),
  /** From this call on its zone sells nothing, or nothing of this category. */
  kind('soldOut', { category: z.string().optional() }),
]);

/** Faults that mean something to some actions only: they wait for one of these. */
const ACTIONS_OF: Partial<Record<Fault['kind'], EcsAction[]>> = {
  tagLag: ['CreateDisk', 'CreateSnapshot', 'TagResources', 'UntagResources'],
  listLag: ['CreateDisk', 'CreateSnapshot'],
  forgetToken: ['CreateDisk', 'CreateSnapshot'],
  snapshotFails: ['CreateSnapshot'],
  snapshotStuck: ['CreateSnapshot'],
  stuck: ['CreateDisk', 'AttachDisk', 'DetachDisk'],
  soldOut: ['CreateDisk'],
};

export type Fault = Omit<z.infer<typeof faultSchema>, 'action'> & { action?: EcsAction | undefined };
type FaultOf<K extends Fault['kind']> = Extract<z.infer<typeof faultSchema>, { kind: K }>;
export type FaultInput = z.input<typeof faultSchema> & { action?: EcsAction };

/** What a call suffers. */
export interface Suffering {
  /** Refuses the call before any effect; nothing else happens then. */
  refusal?: FaultOf<'error'> | FaultOf<'throttled'> | FaultOf<'quota'>;
  /** In place of the answer. */
  answer?: FaultOf<'lost'> | FaultOf<'serverError'> | FaultOf<'broken'>;
  delayBeforeMs: number;
  delayAfterMs: number;
  tagLagMs: number | undefined;
  listLagMs: number | undefined;
  forgetToken: boolean;
  snapshotFailsAt: number | undefined;
  snapshotStuck: { progress: number; available: boolean } | undefined;
  /** For how long, Infinity for good. */
  stuckMs: number | undefined;
  soldOut: { category: string | undefined } | undefined;
}

interface Planned {
  id: string;
  fault: z.infer<typeof faultSchema>;
  skip: number;
  left: number;
  hits: number;
}

export interface FaultReport {
  id: string;
  fault: z.infer<typeof faultSchema>;
  /** Calls that it has hit. */
  hits: number;
  /** Whether it can still hit. */
  active: boolean;
}

export class Faults {
  readonly #random: Random;
  readonly #planned = new Map<string, Planned>();
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns its id. @throws ZodError when it is no fault. */
  add(input: FaultInput): string {
    const fault = faultSchema.parse(input);
    this.#count += 1;
    const id = `fault-${this.#count}`;
    const times = fault.times ?? 1;
    this.#planned.set(id, { id, fault, skip: fault.skip ?? 0, left: times === 0 ? Infinity : times, hits: 0 });
    return id;
  }

  remove(id: string): void {
    this.#planned.delete(id);
  }

  clear(): void {
    this.#planned.clear();
  }

  list(): FaultReport[] {
    return [...this.#planned.values()].map(({ id, fault, hits, left }) => ({ id, fault, hits, active: left > 0 }));
  }

  /** The faults that hit this call, used up by it. A refusal comes alone: the others wait for a call that gets through. */
  strike(action: EcsAction, parameters: EcsParameters): Suffering {
    const suffering: Suffering = unharmed();
    const candidates = [...this.#planned.values()].filter((planned) => this.#applies(planned, action, parameters));
    const refusing = candidates.find(({ fault }) => fault.kind === 'error' || fault.kind === 'throttled' || fault.kind === 'quota');
    for (const planned of refusing === undefined ? candidates : [refusing]) {
      planned.left -= 1;
      planned.hits += 1;
      suffer(suffering, planned.fault);
    }
    return suffering;
  }

  #applies(planned: Planned, action: EcsAction, parameters: EcsParameters): boolean {
    const { fault } = planned;
    if (planned.left <= 0) return false;
    if (fault.action !== undefined && fault.action !== action) return false;
    if (ACTIONS_OF[fault.kind]?.includes(action) === false) return false;
    if (!carries(parameters, fault.match ?? {})) return false;
    if (planned.skip > 0) {
      planned.skip -= 1;
      return false;
    }
    return fault.probability === undefined || this.#random.next() < fault.probability;
  }
}

function unharmed(): Suffering {
  return {
    delayBeforeMs: 0,
    delayAfterMs: 0,
    tagLagMs: undefined,
    listLagMs: undefined,
    forgetToken: false,
    snapshotFailsAt: undefined,
    snapshotStuck: undefined,
    stuckMs: undefined,
    soldOut: undefined,
  };
}

type Effects = { [K in Fault['kind']]: (suffering: Suffering, fault: FaultOf<K>) => void };

const EFFECTS: Effects = {
  error: (suffering, fault) => (suffering.refusal = fault),
  throttled: (suffering, fault) => (suffering.refusal = fault),
  quota: (suffering, fault) => (suffering.refusal = fault),
  lost: (suffering, fault) => (suffering.answer ??= fault),
  serverError: (suffering, fault) => (suffering.answer ??= fault),
  broken: (suffering, fault) => (suffering.answer ??= fault),
  delay: (suffering, fault) => {
    if (fault.when === 'after') suffering.delayAfterMs += fault.ms;
    else suffering.delayBeforeMs += fault.ms;
  },
  tagLag: (suffering, fault) => (suffering.tagLagMs = fault.ms),
  listLag: (suffering, fault) => (suffering.listLagMs = fault.ms),
  forgetToken: (suffering) => (suffering.forgetToken = true),
  snapshotFails: (suffering, fault) => (suffering.snapshotFailsAt = fault.atProgress ?? 50),
  snapshotStuck: (suffering, fault) => (suffering.snapshotStuck = { progress: fault.progress, available: fault.available ?? true }),
  stuck: (suffering, fault) => (suffering.stuckMs = fault.forMs ?? Infinity),
  soldOut: (suffering, fault) => (suffering.soldOut = { category: fault.category }),
};

function suffer<K extends Fault['kind']>(suffering: Suffering, fault: FaultOf<K>): void {
  // The table has one entry per kind; TypeScript cannot pair the two halves by itself.
  const effect = EFFECTS[fault.kind] as (suffering: Suffering, fault: FaultOf<K>) => void;
  effect(suffering, fault);
}

function carries(parameters: EcsParameters, wanted: Record<string, unknown>): boolean {
  return Object.entries(wanted).every(([name, value]) => holds(parameters[name], value));
}

function holds(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(actual)) {
    const wantedItems: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    return wantedItems.every((item) => actual.some((candidate) => holds(candidate, item)));
  }
  if (isObject(actual) && isObject(wanted)) return carries(actual, wanted);
  const text = asText(actual);
  return text.startsWith('[') ? text.includes(JSON.stringify(asText(wanted))) : text === asText(wanted);
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value ?? '') : `${(value ?? '') as string | number | boolean}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
