// A list of names in a sentence, as many as a person reads: sets have thousands of ordinals, and messages go into reports and events.

/** `web-0, web-1, web-2, web-3, web-4 and 2 more`. */
export function fewOf(names: readonly string[], most = 5): string {
  const rest = names.length - most;
  return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
