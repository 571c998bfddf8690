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

/** The same few paths are asked for over and over. */
const known = new Map<string, ResourcePath | undefined>();
const KNOWN_AT_MOST = 10_000;

/** Undefined for a path that is none of a resource (discovery, health). A namespace itself is cluster-scoped. */
export function readPath(path: string): ResourcePath | undefined {
  if (known.has(path)) return known.get(path);
  if (known.size >= KNOWN_AT_MOST) known.clear();
  const read = parsed(path);
  known.set(path, read);
  return read;
}

function parsed(path: string): ResourcePath | undefined {
  const parts = path.split('/').filter((part) => part !== '').map(decodeURIComponent);
  const [root, ...rest] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group = '', version = '', ...named] = root === 'api' ? ['', ...rest] : rest;
  return named.length === 0 ? undefined : { group, version, ...readName(named) };
}

function readName(parts: string[]): Omit<ResourcePath, 'group' | 'version'> {
  const scoped = parts[0] === 'namespaces' && parts.length > 2 && !isPartOfNamespace(parts);
  const [namespace = '', named] = scoped ? [parts[1], parts.slice(2)] : ['', parts];
  const [plural = '', name = '', subresource = ''] = named;
  return { plural, namespace, name, subresource };
}

function isPartOfNamespace(rest: string[]): boolean {
  return rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize');
}
