// A deep copy of plain JSON. `structuredClone` does the same and more, at several times the cost: tests of the saga spent two thirds of
// their time in it.

/** Arrays and objects are new, whatever else is there is taken over. Undefined fields stay. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = copyOf((value as Record<string, unknown>)[key]);
  return copy as T;
}
