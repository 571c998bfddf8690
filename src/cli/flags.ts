// The flags of the process, each also an environment variable (`--step-timeout` = `ZONESPREAD_STEP_TIMEOUT`), with errors that say what is allowed.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../policy/duration.ts';
import { cronProblem } from '../ports/schedule.ts';

/** Adds the option together with its environment variable. `shown`: the default as one types it, where it is kept otherwise. */
export function flag(command: Command, flags: string, description: string, extra: { default?: unknown; shown?: string; parse?: (text: string) => unknown; hidden?: boolean } = {}): void {
  const option = new Option(flags, description);
  const long = option.long ?? flags;
  option.env(`ZONESPREAD_${long.replace(/^--(no-)?/, '').replaceAll('-', '_').toUpperCase()}`);
  if (extra.default !== undefined) option.default(extra.default, extra.shown);
  if (extra.parse !== undefined) option.argParser(extra.parse);
  command.addOption(option);
}

/** `10m` → milliseconds. */
export function duration(text: string): number {
  const read = parseDuration(text);
  if (!read.ok) throw new InvalidArgumentError(`"${text}" is not allowed: ${read.why}; e.g. 10m or 1h30m.`);
  return read.ms;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`"${text}" is not allowed: a whole number from 1 up.`);
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError(`"${text}" is not allowed: a whole number from 0 up.`);
  return value;
}

export function httpUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new InvalidArgumentError(`"${text}" is not allowed: a URL that begins with http:// or https://.`);
  return text;
}

export function boolean(text: string): boolean {
  if (text === 'true' || text === '') return true;
  if (text === 'false') return false;
  throw new InvalidArgumentError(`"${text}" is not allowed: true or false.`);
}

/** For what would never get anywhere without any time. */
export function positiveDuration(text: string): number {
  const ms = duration(text);
  if (ms === 0) throw new InvalidArgumentError(`"${text}" is not allowed: longer than nothing, e.g. 10m.`);
  return ms;
}

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An empty list is refused: it could mean all of them as well as none. */
export function namespaceList(text: string): string[] {
  const names = text.split(',').map((part) => part.trim());
  const wrong = names.find((name) => !NAMESPACE.test(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${text}" is not allowed: "${wrong}" is no name of a namespace. Allowed: names separated by commas, e.g. shop,db; leave the flag (and its variable) out for all namespaces.`);
  return [...new Set(names)];
}

export function cron(text: string): string {
  const problem = cronProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
  return text;
}

export interface Address {
  host?: string;
  port: number;
}

/** `host:port`, `:port` or `port`. */
export function address(text: string): Address {
  const match = /^(?:(?<host>\[[^\]]+\]|[^:]*):)?(?<port>\d{1,5})$/.exec(text.trim());
  const port = Number(match?.groups?.['port']);
  if (match === null || port > 65_535) throw new InvalidArgumentError(`"${text}" is no address. Allowed: host:port, :port or port.`);
  const host = match.groups?.['host']?.replace(/^\[|\]$/g, '');
  return { port, ...(host === undefined || host === '' ? {} : { host }) };
}

export function oneOf(...allowed: string[]): (text: string) => string {
  return (text) => {
    if (!allowed.includes(text)) throw new InvalidArgumentError(`"${text}" is not allowed: ${allowed.join(', ')}.`);
    return text;
  };
}
