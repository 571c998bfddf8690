// Whose time a downtime was: how much of it the cloud and the kubelet took on the critical path, how much came on top, and where. Pure.

import type { PodTimeline } from '../simulation/kubelet/records.ts';

/** What nobody can spare the pod: it stops, its disk is copied, it starts again. In this order. */
export const PARTS = ['stop', 'unmount', 'detach', 'snapshot', 'createDisk', 'attach', 'boot', 'ready'] as const;
export type Part = (typeof PARTS)[number];

/** Epoch, ms. */
export interface Span {
  from: number;
  to: number;
}

export type Spans = Partial<Record<Part, Span>>;

export interface Account {
  downtimeMs: number;
  /** Of the downtime, what lies in one part or another; two parts at once count once. */
  neededMs: number;
  /** The rest. */
  overheadMs: number;
  /** Of what was needed; 0.1 = 10 %. */
  overheadRatio: number;
  /** Where the rest went: the time before each part in which no part was under way, and `end`: after the last. Those with none are left out. */
  gaps: { before: Part | 'end'; ms: number }[];
}

export function accountOf(downtime: Span, spans: Spans): Account {
  const present = PARTS.flatMap((part) => {
    const taken = spans[part];
    return taken === undefined ? [] : [{ part, from: Math.max(taken.from, downtime.from), to: Math.min(taken.to, downtime.to) }];
  }).toSorted((left, right) => left.from - right.from);
  const gaps: Account['gaps'] = [];
  let at = downtime.from;
  for (const { part, from, to } of present) {
    if (from > at) gaps.push({ before: part, ms: from - at });
    at = Math.max(at, to);
  }
  if (downtime.to > at) gaps.push({ before: 'end', ms: downtime.to - at });
  const downtimeMs = downtime.to - downtime.from;
  const overheadMs = gaps.reduce((sum, { ms }) => sum + ms, 0);
  const neededMs = downtimeMs - overheadMs;
  return { downtimeMs, neededMs, overheadMs, overheadRatio: neededMs > 0 ? overheadMs / neededMs : Number.POSITIVE_INFINITY, gaps };
}

/** Something that happened to a disk of the cloud, oldest first. */
export interface DiskEvent {
  id: string;
  event: string;
  at: number;
}

export interface MoveBooks {
  /** The pod that went, and the one that came. */
  before: PodTimeline;
  after: PodTimeline;
  /** Of the whole cloud. */
  diskEvents: readonly DiskEvent[];
  sourceDisk: string;
  targetDisk: string;
  snapshot: { createdAt: number; availableAt: number };
}

/** The cloud's parts by its own clock, to the millisecond; the kubelets' as measured, with their words to the API server. */
export function spansOf(books: MoveBooks): Spans {
  const { before, after, diskEvents, sourceDisk, targetDisk, snapshot } = books;
  const began = before.killedAt ?? 0;
  const of = (id: string): DiskEvent[] => diskEvents.filter((event) => event.id === id && event.at >= began);
  const spans: Record<Part, Span | undefined> = {
    stop: span(before.killedAt, before.stoppedAt),
    unmount: span(before.stoppedAt, before.unmountedAt),
    detach: between(of(sourceDisk), 'Detaching', 'Available'),
    snapshot: span(snapshot.createdAt, snapshot.availableAt),
    createDisk: between(of(targetDisk), 'created', 'Available'),
    attach: between(of(targetDisk), 'Attaching', 'In_use'),
    boot: span(after.attachedAt, after.startedAt),
    ready: span(after.startedAt, after.readyAt),
  };
  return Object.fromEntries(Object.entries(spans).filter(([, value]) => value !== undefined));
}

function between(events: readonly DiskEvent[], first: string, last: string): Span | undefined {
  const start = events.findIndex(({ event }) => event === first);
  const end = start === -1 ? undefined : events.slice(start).find(({ event }) => event === last);
  return span(events[start]?.at, end?.at);
}

function span(from: number | undefined, to: number | undefined): Span | undefined {
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** Mean of each gap over several moves, longest first. */
export function meanGaps(accounts: readonly Account[]): { before: Part | 'end'; ms: number }[] {
  const sums = new Map<Part | 'end', number>();
  for (const { before, ms } of accounts.flatMap(({ gaps }) => gaps)) sums.set(before, (sums.get(before) ?? 0) + ms);
  return [...sums].map(([before, ms]) => ({ before, ms: ms / accounts.length })).toSorted((left, right) => right.ms - left.ms);
}

/** Mean of each part over several moves, in their order. */
export function meanParts(all: readonly Spans[]): { part: Part; ms: number }[] {
  return PARTS.map((part) => ({ part, ms: all.reduce((sum, spans) => sum + lengthOf(spans[part]), 0) / Math.max(1, all.length) }));
}

function lengthOf(of: Span | undefined): number {
  return of === undefined ? 0 : of.to - of.from;
}
