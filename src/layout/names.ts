// The names that the StatefulSet controller gives to pods and claims, both ways.

import type { StatefulSet } from '../kubernetes/objects.ts';

export function podNameOf(set: string, ordinal: number): string {
  return `${set}-${ordinal}`;
}

export function claimNameOf(template: string, set: string, ordinal: number): string {
  return `${template}-${set}-${ordinal}`;
}

/** One for each of its claim templates. */
export function claimNamesOf({ metadata, spec }: Pick<StatefulSet, 'metadata' | 'spec'>, ordinal: number): string[] {
  return (spec.volumeClaimTemplates ?? []).map((template) => claimNameOf(template.metadata.name, metadata.name, ordinal));
}

/** Claim of a generic ephemeral volume. */
export function ephemeralClaimNameOf(podName: string, volume: string): string {
  return `${podName}-${volume}`;
}

/** `web-2` → 2; undefined when the name is not one of the set's pods. */
export function ordinalOf(podName: string, set: string): number | undefined {
  if (!podName.startsWith(`${set}-`)) return undefined;
  const digits = podName.slice(set.length + 1);
  return /^(0|[1-9][0-9]*)$/.test(digits) ? Number(digits) : undefined;
}
