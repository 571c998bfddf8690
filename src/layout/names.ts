// The names that the StatefulSet controller gives to pods and claims, both ways.

export function podNameOf(set: string, ordinal: number): string {
  return `${set}-${ordinal}`;
}

export function claimNameOf(template: string, set: string, ordinal: number): string {
  return `${template}-${set}-${ordinal}`;
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
