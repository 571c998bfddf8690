// Maintenance windows: `0 2 * * 6 for 4h in Asia/Shanghai` opens by a cron expression on that place's clock, daylight saving time
// included, and stays open for a length of real time. Only the parser and the calendar of croner are used, never its timers.

import { Cron } from 'croner';
import { parseDuration } from './duration.ts';

export interface Window {
  /** Five fields. */
  cron: string;
  durationMs: number;
  /** IANA name. */
  timeZone: string;
}

/** `until` is absent when it never closes as far as one can see; `next` when it never opens again. */
export type WindowState = { open: true; until?: number } | { open: false; next?: number };

export type ParsedWindows = { ok: true; windows: Window[] } | { ok: false; why: string };

/** Reading a time zone takes about a millisecond, and the webhook reads these too. */
const MOST_WINDOWS = 50;

export function parseWindows(text: string): ParsedWindows {
  const windows: Window[] = [];
  const parts = text.split(';');
  if (parts.length > MOST_WINDOWS) return { ok: false, why: `it lists more than ${MOST_WINDOWS} windows` };
  for (const part of parts) {
    const parsed = parseWindow(part.trim());
    if (typeof parsed === 'string') return { ok: false, why: parsed };
    windows.push(parsed);
  }
  return { ok: true, windows };
}

/** No windows: always open. */
export function inWindow(windows: readonly Window[], nowMs: number): WindowState {
  if (windows.length === 0) return { open: true };
  if (coveredUntil(windows, nowMs) <= nowMs) return closed(windows, nowMs);
  const until = endOfStretch(windows, nowMs);
  return until === undefined ? { open: true } : { open: true, until };
}

const WINDOW_FORM = /^(?<cron>\S+(?:\s+\S+){4})\s+for\s+(?<duration>\S+)\s+in\s+(?<timeZone>\S+)$/;

function parseWindow(text: string): Window | string {
  const groups = WINDOW_FORM.exec(text)?.groups;
  if (groups === undefined) return `"${text}" does not have the form <cron of five fields> for <duration> in <time zone>`;
  const { cron = '', duration = '', timeZone = '' } = groups;
  const length = parseDuration(duration);
  if (!length.ok) return `"${duration}" cannot be how long it stays open: ${length.why}`;
  if (length.ms === 0) return 'it would be open for no time at all';
  if (!isTimeZone(timeZone)) return `"${timeZone}" is not a time zone of the IANA list, such as Asia/Shanghai or UTC`;
  const why = cronProblem(cron, timeZone);
  return why ?? { cron: cron.split(/\s+/).join(' '), durationMs: length.ms, timeZone };
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false; // Offsets such as +08:00 know no daylight saving time; the contract says IANA.
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Any fixed day: whether an expression can ever match does not depend on today. */
const SOME_DAY = new Date(Date.UTC(2024, 0, 1));

function cronProblem(cron: string, timeZone: string): string | undefined {
  if (cron.includes('?')) return `"${cron}" has a "?", which would mean the moment when it is read`;
  try {
    return calendar({ cron, timeZone }).nextRun(SOME_DAY) === null ? `"${cron}" never comes` : undefined;
  } catch (error) {
    return `"${cron}" is not a cron expression: ${error instanceof Error ? error.message.replace(/^CronPattern:\s*/, '') : String(error)}`;
  }
}

/**
 * `no-wildcard`: a window at 02:30 or at 2 and 14 o'clock opens once on the day when clocks go back, and opens when the gap ends on the
 * day when they go forward, as an administrator expects of a fixed hour.
 */
function calendar({ cron, timeZone }: Pick<Window, 'cron' | 'timeZone'>): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
}

/** The latest end among the windows that opened at or before a moment; 0 when none has. */
function coveredUntil(windows: readonly Window[], atMs: number): number {
  return Math.max(0, ...windows.map((window) => lastStart(window, atMs) + window.durationMs));
}

function lastStart(window: Window, atMs: number): number {
  const [start] = calendar(window).previousRuns(1, new Date(nextSecond(atMs)));
  return start?.getTime() ?? Number.NEGATIVE_INFINITY;
}

/** croner counts whole seconds and looks strictly before or after: one second on makes "at or before". */
function nextSecond(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000 + 1000;
}

/** Windows that touch or overlap are one stretch. A thousand in a row without a gap (`* * * * * for 1h`) count as open for ever. */
const LONGEST_CHAIN = 1000;

function endOfStretch(windows: readonly Window[], nowMs: number): number | undefined {
  let until = coveredUntil(windows, nowMs);
  for (let links = 0; links < LONGEST_CHAIN; links += 1) {
    const further = coveredUntil(windows, until);
    if (further <= until) return until;
    until = further;
  }
  return undefined;
}

function closed(windows: readonly Window[], nowMs: number): WindowState {
  const starts = windows.map((window) => calendar(window).nextRun(new Date(nowMs))?.getTime()).filter((start) => start !== undefined);
  return starts.length === 0 ? { open: false } : { open: false, next: Math.min(...starts) };
}
