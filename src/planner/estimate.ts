// How long a move keeps a pod down and how long all of it takes, and what a plan costs: by a fixed model, and by what the ended moves of
// the cluster took. Said in reports; max-downtime and windows go by the high end. docs/planning.md, "Estimates", is the same in words.

import { volumesToMove, type OrdinalFacts } from '../layout/layout.ts';
import type { VolumeFacts } from '../layout/volumes.ts';
import type { Rules } from '../policy/policy.ts';
import { measuredLine, type MeasuredLine, type Measurement, type Model, type Range } from './measured-line.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Termination grace 30 s (the default), detach 15 s, instant snapshot 5 s, disk 10 s, attach and start 30 s. */
const BASE_DOWNTIME_MS = 90 * SECOND_MS;

/**
 * A first snapshot is a full one, and uploads of standard snapshots are reported at about a GiB a minute. On the safe side: incremental
 * ones are faster.
 */
const UPLOAD_MS_PER_GIB = MINUTE_MS;

/** Nobody reads more out of an estimate, and a report is not written again for a second. */
const STEP_MS = 10 * SECOND_MS;

/** Older ones say little about the cloud of today; and so many give the same medians as more. */
const MOST_OF_A_KIND = 100;

/** Of so many newest moves of its kind the longest downtime is a bound, outlier or not: it has happened, and may again. */
const RECENT = 20;

/** A disk takes at least as long as a smaller one; so up to this many times its size counts as like. */
const LIKE_SIZE = 2;

/** What an ended move took. */
export interface MoveSample {
  /** Of its disks; of several kinds as `diskKind` joins them. */
  category: string;
  /** Of the largest disk: they are copied side by side. */
  sizeGiB: number;
  downtimeMs: number;
  /** From beginning to end, but for the health duration. */
  totalMs: number;
}

export interface MoveEstimate {
  downtime: Range;
  /** All of the move, the health duration included. */
  total: Range;
  /** How many ended moves of such disks it rests on. */
  measuredMoves: number;
}

export interface Estimates {
  /** @returns whole STEP_MS but for the health duration; never shorter for a larger disk of the same kind. */
  of: (ordinal: OrdinalFacts, zone: string, rules: Pick<Rules, 'healthDurationMs'>) => MoveEstimate;
  /** The same for a move of just these disks. */
  ofDisks: (disks: readonly CopiedDisk[], rules: Pick<Rules, 'healthDurationMs'>) => MoveEstimate;
}

export interface CopiedDisk {
  category: string | undefined;
  sizeGiB: number;
  instantSnapshots: boolean;
}

/** A pod with disks of several categories is a kind of its own: its downtime says nothing about either. */
export function diskKind(categories: readonly string[]): string {
  return [...new Set(categories)].toSorted().join('+');
}

/** @param samples the newest first. */
export function estimatesFrom(samples: readonly MoveSample[]): Estimates {
  const kinds = new Map([...Map.groupBy(samples, ({ category }) => category)].map(([category, own]) => [category, own.slice(0, MOST_OF_A_KIND)]));
  const ofKind = (kind: string): readonly MoveSample[] => kinds.get(kind) ?? [];
  const downtimes = lines((kind) => ofKind(kind).map(({ sizeGiB, downtimeMs }) => ({ sizeGiB, ms: downtimeMs })));
  const totals = lines((kind) => ofKind(kind).map(({ sizeGiB, totalMs }) => ({ sizeGiB, ms: totalMs })));
  const ofDisks: Estimates['ofDisks'] = (disks, { healthDurationMs }) => {
    const { kind, sizeGiB, model } = copyOf(disks);
    const downtime = downtimes(kind, model).at(sizeGiB, model.ms);
    const total = roundedUp(totals(kind, model).at(sizeGiB, model.ms));
    return {
      downtime: roundedUp({ ...downtime, highMs: Math.max(downtime.highMs, longestOf(ofKind(kind), sizeGiB)) }),
      total: { middleMs: total.middleMs + healthDurationMs, highMs: total.highMs + healthDurationMs },
      measuredMoves: ofKind(kind).length,
    };
  };
  return { ofDisks, of: (ordinal, zone, rules) => ofDisks(volumesToMove(ordinal, zone).map(copiedDisk), rules) };
}

function copiedDisk(volume: VolumeFacts): CopiedDisk {
  return { category: volume.disk?.category, sizeGiB: sizeOf(volume), instantSnapshots: volume.instantSnapshots };
}

/** The model alone. */
export const UNMEASURED: Estimates = estimatesFrom([]);

/** What a move copies, as far as its time depends on it. */
interface Copy {
  kind: string;
  sizeGiB: number;
  model: Model;
}

function copyOf(disks: readonly CopiedDisk[]): Copy {
  const uploads = disks.filter(({ instantSnapshots }) => !instantSnapshots);
  return {
    kind: diskKind(disks.flatMap(({ category }) => category ?? [])),
    sizeGiB: largest(disks),
    // The snapshots of one pod are taken side by side: the slowest counts.
    model: { ms: BASE_DOWNTIME_MS + largest(uploads) * UPLOAD_MS_PER_GIB, msPerGiB: uploads.length === 0 ? 0 : UPLOAD_MS_PER_GIB },
  };
}

/** One line for each kind of disk, drawn when it is first asked for: a set has hardly more than one kind. */
function lines(measurementsOf: (kind: string) => Measurement[]): (kind: string, model: Model) => MeasuredLine {
  const drawn = new Map<string, MeasuredLine>();
  return (kind, { msPerGiB }) => {
    const key = `${kind} ${msPerGiB}`;
    const line = drawn.get(key) ?? measuredLine(measurementsOf(kind), msPerGiB);
    drawn.set(key, line);
    return line;
  };
}

function longestOf(ofKind: readonly MoveSample[], sizeGiB: number): number {
  return Math.max(0, ...ofKind.slice(0, RECENT).flatMap((sample) => (sample.sizeGiB <= LIKE_SIZE * sizeGiB ? sample.downtimeMs : [])));
}

function roundedUp({ middleMs, highMs }: Range): Range {
  return { middleMs: Math.ceil(middleMs / STEP_MS) * STEP_MS, highMs: Math.ceil(highMs / STEP_MS) * STEP_MS };
}

export function sizeGiBToMove(ordinal: OrdinalFacts, zone: string): number {
  return volumesToMove(ordinal, zone).reduce((sum, volume) => sum + sizeOf(volume), 0);
}

function largest(disks: readonly CopiedDisk[]): number {
  return Math.max(0, ...disks.map(({ sizeGiB }) => sizeGiB));
}

function sizeOf({ disk, volume }: VolumeFacts): number {
  return disk?.sizeGiB ?? volume?.sizeGiB ?? 0;
}

export interface Cost {
  moves: number;
  sizeGiB: number;
  /** Whole minutes, windows and waiting aside. */
  estimatedMinutes: number;
  /** The same, were each move to take as long as nine in ten do at most. */
  highMinutes: number;
  /** Ended moves of the most seldom kind of disk among them; 0: by the model alone. */
  measuredMoves: number;
}

export function costOf(moves: readonly { sizeGiB: number; estimate: MoveEstimate }[], { maxUnavailable }: Pick<Rules, 'maxUnavailable'>): Cost {
  const minutes = (end: keyof Range): number => Math.ceil(moves.reduce((sum, { estimate }) => sum + estimate.total[end], 0) / maxUnavailable / MINUTE_MS);
  return {
    moves: moves.length,
    sizeGiB: moves.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0),
    estimatedMinutes: minutes('middleMs'),
    highMinutes: minutes('highMs'),
    measuredMoves: moves.length === 0 ? 0 : Math.min(...moves.map(({ estimate }) => estimate.measuredMoves)),
  };
}
