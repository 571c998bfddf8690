// `--disks`: where the disks of a set are, when no file says it: `cn-beijing-h`, or `0-3=cn-beijing-h,4=cn-beijing-i`.

import { wrongUsage } from '../exit.ts';
import { ordinalsIn } from '../../standing/ranges.ts';

/** Zone of an ordinal; undefined where the flag says nothing about it. */
export type ZoneOfOrdinal = (ordinal: number) => string | undefined;

/** @throws VerbEnded (wrong usage) */
export function zoneOfOrdinal(text: string): ZoneOfOrdinal {
  if (!text.includes('=')) return () => text;
  const zones = new Map<number, string>();
  // Ranges have commas, too: a part without a zone belongs to the next one that has it.
  let pending: string[] = [];
  for (const part of text.split(',')) {
    const [ordinals = '', zone] = part.split('=');
    pending.push(ordinals.trim());
    if (zone === undefined) continue;
    const named = ordinalsIn(pending.join(','));
    if (named.length === 0 || zone.trim() === '') throw wrong(text);
    for (const ordinal of named) zones.set(ordinal, zone.trim());
    pending = [];
  }
  if (pending.length > 0) throw wrong(text);
  return (ordinal) => zones.get(ordinal);
}

function wrong(text: string): Error {
  return wrongUsage(`--disks "${text}" is not allowed: one zone for all ordinals, or ordinals=zone separated by commas, e.g. 0-3=cn-beijing-h,4=cn-beijing-i`);
}
