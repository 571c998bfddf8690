// A request's path and query, read into what it asks for.

/** What a path names: `namespace`, `name` and `subresource` are empty where it names none. */
export interface ResourcePath {
  group: string;
  version: string;
  plural: string;
  namespace: string;
  name: string;
  subresource: string;
}

/** Undefined for a path that is none of a resource (discovery, health). A namespace itself is cluster-scoped. */
export function readPath(path: string): ResourcePath | undefined {
  const parts = path.split('/').filter((part) => part !== '').map(decodeURIComponent);
  const prefix = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : undefined;
  if (prefix === undefined || parts.length <= prefix) return undefined;
  const [group = '', version = ''] = prefix === 2 ? ['', parts[1]] : [parts[1], parts[2]];
  const rest = parts.slice(prefix);
  const scoped = rest[0] === 'namespaces' && rest.length > 2 && !isPartOfNamespace(rest);
  const [plural = '', name = '', subresource = ''] = scoped ? rest.slice(2) : rest;
  return { group, version, plural, namespace: scoped ? (rest[1] ?? '') : '', name, subresource };
}

function isPartOfNamespace(rest: string[]): boolean {
  return rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize');
}
