// The demo's last words: what moved, what it cost each pod and whose time that was, and whether everything held that was promised. Pure.

import { meanGaps, meanParts, type Part } from './accounting.ts';
import type { Balance, MoveBalance } from './balance.ts';
import { MAX_SKEW, ordinalsByZone, skewOver, type Picture } from './picture.ts';
import { count, several } from '../standing/amounts.ts';
import { EMPTY, line, minutes, piece, seconds, wrap, type Line } from '../cli/rendering/text.ts';

export interface Ending {
  before: Picture;
  after: Picture;
  elapsedMs: number;
  balance: Balance;
  /** Zones that the set may use; those that the pictures show otherwise. */
  declared?: readonly string[];
  /** What this story promises beside what every one does. */
  checks?: readonly Check[];
  /** A move that had to be tried again comes out of turn. */
  anyOrder?: boolean;
}

export interface Verdict {
  /** Everything held. */
  good: boolean;
  lines: Line[];
}

/** What is hoped for; a machine that is busy with something else has its share in it. */
export const AIMED_OVERHEAD = 0.1;
/** Gaps that are worth a word. */
const GAPS_TOLD = 3;
const GAP_WORTH_MS = 50;
const HEARS_LATE_MS = 250;
/** Of the smallest terminal that is in use. */
const TEXT_WIDTH = 80;
const CHECK_INSET = 16;
/** Of one promise that was not kept. */
const PROBLEMS_TOLD = 10;

const GAP_WORDS: Record<Part | 'end', string> = {
  stop: 'the eviction',
  unmount: 'the kubelet to unmount',
  detach: 'the attach-detach controller to let go',
  snapshot: 'seeing the disk detached',
  createDisk: 'seeing the snapshot available',
  attach: 'volume, claim, scheduler and the order to attach',
  boot: 'the kubelet to see the disk attached',
  ready: 'the kubelet',
  end: 'seeing the pod Ready',
};

/** A promise. */
export interface Check {
  /** A word, of at most ten letters. */
  title: string;
  /** Said when it holds. */
  good: string;
  /** What speaks against it; none: it holds. */
  against: readonly string[];
}

export function closingLines(ending: Ending): Verdict {
  const checks = checksOf(ending);
  const { balance, elapsedMs } = ending;
  const good = checks.every(({ against }) => against.length === 0);
  const lines = [
    EMPTY,
    line(piece(`${good ? 'Spread as declared' : 'Not as promised'} after ${minutes(elapsedMs)} min: ${several(balance.moves.length, 'move')}.`, 'strong')),
    EMPTY,
    ...zoneTable(ending),
    EMPTY,
    ...downtimeTable(balance.moves),
    EMPTY,
    ...checks.flatMap(checkLines),
  ];
  return { good, lines };
}

// ── where the ordinals are ──

function zoneTable({ before, after }: Ending): Line[] {
  const [was, is] = [ordinalsByZone(before), ordinalsByZone(after)];
  const rows = after.zones.map((zone) => [zone, listed(was.get(zone)), listed(is.get(zone))]);
  return table(['zone', 'before', 'after'], rows);
}

function listed(ordinals: readonly number[] = []): string {
  return ordinals.length === 0 ? '–' : ordinals.join(' ');
}

// ── downtimes ──

function downtimeTable(moves: readonly MoveBalance[]): Line[] {
  const rows = moves.map(({ pod, from, to, account }) => [pod, `${from} → ${to}`, hundredths(account.downtimeMs), hundredths(account.neededMs), percent(account.overheadRatio)]);
  const sum = (of: (move: MoveBalance) => number): number => moves.reduce((total, move) => total + of(move), 0);
  const [down, needed] = [sum(({ account }) => account.downtimeMs), sum(({ account }) => account.neededMs)];
  const ratio = needed > 0 ? (down - needed) / needed : 0;
  const aim = ratio <= AIMED_OVERHEAD ? 'within' : 'more than';
  const parts = meanParts(moves.map(({ spans }) => spans)).map(({ part, ms }) => `${part} ${seconds(ms)}`);
  return [
    ...table(['pod', 'moved', 'down', 'cloud and kubelet', 'overhead'], rows),
    EMPTY,
    ...paragraph(
      `Overhead in all: ${percent(ratio)}, ${aim} the ${percent(AIMED_OVERHEAD, 0)} aimed at. On average cloud and kubelet took ${parts.join(', ')}; on top of it came ${gapWords(moves)}.`,
    ),
  ];
}

function gapWords(moves: readonly MoveBalance[]): string {
  const gaps = meanGaps(moves.map(({ account }) => account)).filter(({ ms }) => ms >= GAP_WORTH_MS);
  if (gaps.length === 0) return 'nothing to speak of';
  return gaps.slice(0, GAPS_TOLD).map(({ before, ms }) => `${hundredths(ms)} for ${GAP_WORDS[before]}`).join(', ');
}

function hundredths(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function percent(ratio: number, digits = 1): string {
  return `${(ratio * 100).toFixed(digits)} %`;
}

// ── promises ──

function checksOf(ending: Ending): Check[] {
  const { balance, after, declared = after.zones, checks = [], anyOrder = false } = ending;
  const { moves, retained } = balance;
  return [
    { title: 'Zones', good: `every disk in a declared zone, skew ${skewOver(after, declared)}; ${several(moves.length, 'move')}, one at a time${anyOrder ? '' : ', highest ordinals first'}`, against: [...spreadProblems(after, declared), ...orderProblems(balance, anyOrder)] },
    ...checks,
    {
      title: 'Data',
      good: `${count(balance.writes)} acknowledged writes, none lost: each on the disk that its pod started with, and there now; each new disk begins with all of its old one`,
      against: balance.lostWrites,
    },
    { title: 'Siblings', good: `${after.ordinals.length - 1} of ${after.ordinals.length} pods Ready at every moment`, against: balance.unready.map((pod) => `${pod} was not Ready although nothing moved it`) },
    { title: 'StatefulSet', good: `never written by zonespread: still generation ${balance.generation}, no write of its own among the API server’s requests`, against: balance.setWrites },
    { title: 'Downtime', good: 'the records agree with the kubelets’ clocks', against: moves.filter(understated).map(({ pod }) => `${pod} was down for longer than its record says`) },
    { title: 'Kept', good: keptWords(retained), against: retained.length === moves.length ? [] : [`${retained.length} old disks are on the report instead of ${moves.length}`] },
  ];
}

function spreadProblems(after: Picture, declared: readonly string[]): string[] {
  const strays = after.ordinals.filter(({ zone }) => zone === undefined || !declared.includes(zone)).map(({ ordinal }) => `ordinal ${ordinal} is in none of the declared zones`);
  const skew = skewOver(after, declared);
  return skew <= MAX_SKEW ? strays : [...strays, `the skew is ${skew}`];
}

function orderProblems({ moves, atOnce }: Balance, anyOrder: boolean): string[] {
  const ordinals = moves.map(({ ordinal }) => ordinal);
  const descending = anyOrder || ordinals.every((ordinal, index) => index === 0 || ordinal < (ordinals[index - 1] ?? 0));
  return [...(atOnce > 1 ? [`${atOnce} ordinals were in flight at once`] : []), ...(descending ? [] : [`the order of the moves was ${ordinals.join(', ')}`])];
}

/** The kubelets' measure lies inside what the record covers, but for how late a busy kubelet hears of its own success. */
function understated({ account, kubeletDowntimeMs }: MoveBalance): boolean {
  return account.downtimeMs < kubeletDowntimeMs - HEARS_LATE_MS;
}

function keptWords(retained: Balance['retained']): string {
  const size = retained.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  const until = retained.map((one) => one.until).toSorted().at(-1) ?? '';
  return `${several(retained.length, 'old disk')} (${size} GiB) with volumes and snapshots until ${momentWords(until)}; then they go by themselves`;
}

/** `2026-11-22 01:03 UTC`; `forever` stays. */
function momentWords(until: string): string {
  const at = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(until);
  return at === null ? until : `${at[1] ?? ''} ${at[2] ?? ''} UTC`;
}

function checkLines({ title, good, against }: Check): Line[] {
  const [mark, said] = against.length === 0 ? [piece('  ✓ ', 'good'), [good]] : [piece('  ✗ ', 'bad'), against.slice(0, PROBLEMS_TOLD)];
  const rows = said.flatMap((one) => wrap(one, TEXT_WIDTH - CHECK_INSET));
  const [first = '', ...rest] = rows;
  return [line(mark, piece(title.padEnd(CHECK_INSET - mark.text.length), 'strong'), first), ...rest.map((row) => line(' '.repeat(CHECK_INSET), row))];
}

function paragraph(text: string): Line[] {
  return wrap(text, TEXT_WIDTH - 2).map((row) => line('  ', row));
}

// ── tables ──

function table(heads: readonly string[], rows: readonly (readonly string[])[]): Line[] {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const cells = (row: readonly string[]): string => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd();
  return [line(piece(cells(heads), 'faint')), ...rows.map((row) => line(cells(row)))];
}
