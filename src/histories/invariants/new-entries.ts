// What has been added to a list that only grows, since it was last looked at.

/** The first thing wrong with an entry that was not there at the last look. */
export function sinceLastLook<T>(list: readonly T[], wrongWith: (entry: T) => string | undefined): () => string | undefined {
  let seen = 0;
  return () => {
    let wrong: string | undefined;
    for (; seen < list.length; seen += 1) wrong ??= wrongWith(list[seen] as T);
    return wrong;
  };
}
