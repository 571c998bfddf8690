// The media types of patches, and of which a kind takes which.

import type { Kind } from './kinds/kind.ts';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';

/** Strategic merge goes by Go's types, which custom kinds do not have. */
export function patchTypesOf({ custom }: Kind): string[] {
  return custom === true ? [JSON_PATCH, MERGE, APPLY] : [JSON_PATCH, MERGE, STRATEGIC, APPLY];
}
