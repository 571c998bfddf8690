// The addresses of the page: what may be looked at, written and read back.

/** All sets (of a namespace, those that want attention, after a certain one), or one. */
export type Place = { kind: 'all'; namespace: string; open: boolean; after: string } | { kind: 'set'; namespace: string; name: string };

export function addressOf(place: Place): string {
  if (place.kind === 'set') return `/sets/${encodeURIComponent(place.namespace)}/${encodeURIComponent(place.name)}`;
  const query = new URLSearchParams();
  if (place.namespace !== '') query.set('namespace', place.namespace);
  if (place.open) query.set('only', 'open');
  if (place.after !== '') query.set('after', place.after);
  return query.size === 0 ? '/' : `/?${query.toString()}`;
}

/** Names of Kubernetes are never longer; what is cannot be one. */
const LONGEST_NAME = 253;
const LONGEST_ADDRESS = 4_096;

/** @param address path and query. Undefined: there is no such place. */
export function placeAt(address: string): Place | undefined {
  const url = address.length > LONGEST_ADDRESS ? null : URL.parse(address, 'http://page');
  // `//elsewhere/` is another host.
  if (url?.host !== 'page') return undefined;
  if (url.pathname === '/') return allAt(url.searchParams);
  const [, sets, ...names] = url.pathname.split('/').map(decoded);
  return sets === 'sets' && names.length === 2 ? setCalled(names[0], names[1]) : undefined;
}

function setCalled(namespace = '', name = ''): Place | undefined {
  return isName(namespace) && isName(name) ? { kind: 'set', namespace, name } : undefined;
}

function allAt(query: URLSearchParams): Place {
  return { kind: 'all', namespace: (query.get('namespace') ?? '').trim(), open: query.get('only') === 'open', after: query.get('after') ?? '' };
}

function isName(text: string): boolean {
  return text !== '' && text.length <= LONGEST_NAME;
}

/** Undefined where it is no text. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
