// Whose is what we may have made? Pure decisions about a create call whose outcome is not known.
//
// A client token is trusted for an hour after its intent was first persisted. Within it the same call is simply sent again. After it, or
// when the cloud says that the token stands for something else, only tags tell: the intent's own tags name one migration, claim and
// attempt. No create call is ever sent after the hour, so whatever one made carries visible tags once the lag has passed as well.

/** How long a token is taken to be remembered by the cloud. No lifetime is documented. */
export const TOKEN_TRUSTED_MS = 60 * 60 * 1000;

/** How late tags may show in a filter. */
export const TAG_VISIBILITY_LAG_MS = 10 * 60 * 1000;

/** Tags that begin so say whose a resource is; all of the intent's together identify what it made. */
export const IDENTITY_TAG_PREFIX = 'zonespread.io/';

export type Adoption = { kind: 'adopt'; id: string } | { kind: 'wait'; message: string } | { kind: 'ambiguous'; message: string };

export interface Candidate {
  id: string;
  /** In which parameters it differs from the intent, e.g. `size is 40, not 20`. */
  differences: string[];
}

/** @param ageMs since the intent was persisted. */
export function tokenIsTrusted(ageMs: number): boolean {
  return ageMs < TOKEN_TRUSTED_MS;
}

/** The tags by which an intent finds what it has made. */
export function identityTags(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith(IDENTITY_TAG_PREFIX)));
}

/** @param candidates everything that carries the identity tags. */
export function adoption(what: string, candidates: Candidate[], ageMs: number): Adoption {
  const [only, ...others] = candidates;
  if (only === undefined) return nothingFound(what, ageMs);
  if (others.length > 0) {
    return { kind: 'ambiguous', message: severalMade(what, candidates.map((candidate) => candidate.id)) };
  }
  if (only.differences.length > 0) {
    return { kind: 'ambiguous', message: `the ${what} ${only.id} carries the tags of this migration but is not what was asked for: ${only.differences.join('; ')}` };
  }
  return { kind: 'adopt', id: only.id };
}

export function severalMade(what: string, ids: string[]): string {
  return `${ids.length} ${what}s carry the tags of this migration (${ids.join(', ')}): keep one, and delete the others or take their tags off`;
}

function nothingFound(what: string, ageMs: number): Adoption {
  if (ageMs < TOKEN_TRUSTED_MS + TAG_VISIBILITY_LAG_MS) {
    return { kind: 'wait', message: `the ${what} may exist already, and its tags may not show yet` };
  }
  const minutes = Math.floor(ageMs / 60_000);
  return { kind: 'ambiguous', message: `nobody knows whether the ${what} was made: it was first asked for ${minutes} minutes ago, the token is too old to ask again, and nothing carries its tags` };
}

/** Compares what was asked for with what is there; an undefined wish is not compared. */
export function differences(wanted: Record<string, unknown>, actual: Record<string, unknown>): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => value !== undefined && value !== actual[name])
    .map(([name, value]) => `${name} is ${JSON.stringify(actual[name])}, not ${JSON.stringify(value)}`);
}
