// What the server says that it serves: /api, /apis and the resources of each group version, in the older form that every client reads
// and in the newer one (apidiscovery.k8s.io/v2) that tells all at once.

import { namespaces, type Resource } from '../../kubernetes/objects.ts';
import type { Kind } from './kinds/kind.ts';
import { REVIEWS, type Review } from './reviews.ts';

export const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const READ_WRITE = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: '', compiler: 'gc', platform: 'linux/amd64' };

/** A resource, or a part of one, that can be asked for. */
interface Offer {
  group: string;
  version: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  verbs: string[];
  shortNames: string[];
  categories: string[];
  kind: string;
  isCustom: boolean;
  parts: Part[];
}

interface Part {
  name: string;
  kind: string;
  /** Where it is not that of the resource. */
  group?: string;
  version?: string;
  verbs: string[];
}

/** Undefined for a path that discovery has nothing to say about. */
export function discover(path: string, kinds: Kind[]): object | undefined {
  const offers = offersOf(kinds);
  const parts = path.split('/').filter((part) => part !== '');
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(offers) };
  if (path === '/version') return VERSION;
  if (parts[0] === 'apis' && parts.length === 2) return groupsOf(offers).find((group) => group.name === parts[1]);
  const [group = '', version] = parts[0] === 'api' ? ['', parts[1]] : [parts[1], parts[2]];
  const served = offers.filter((offer) => offer.group === group && offer.version === version);
  if (served.length === 0) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersionOf({ group, version: version ?? '' }), resources: served.flatMap(resourcesOf) };
}

/** Of /api or /apis; undefined for any other path. */
export function discoverAll(path: string, kinds: Kind[]): object | undefined {
  if (path !== '/api' && path !== '/apis') return undefined;
  const offers = offersOf(kinds).filter(({ group }) => (group === '') === (path === '/api'));
  const groups = [...new Set(offers.map(({ group }) => group))].map((group) => ({ metadata: { name: group, creationTimestamp: null }, versions: versionsOf(offers.filter((offer) => offer.group === group)) }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items: groups };
}

function offersOf(kinds: Kind[]): Offer[] {
  return [...kinds.map(offerOf), ...REVIEWS.map(offerOfReview)];
}

function offerOfReview(review: Review): Offer {
  return { ...review, shortNames: [], categories: [], parts: [], isCustom: false, namespaced: false, verbs: ['create'] };
}

function offerOf(kind: Kind): Offer {
  const { resource, singular, shortNames, categories = [] } = kind;
  const verbs = isNamespaces(resource) ? READ_WRITE.filter((verb) => verb !== 'deletecollection') : READ_WRITE;
  return { ...resource, singular, shortNames, categories, verbs, isCustom: kind.custom === true, parts: partsOf(kind) };
}

function isNamespaces({ group, plural }: Resource): boolean {
  return group === '' && plural === namespaces.plural;
}

/** What can be asked for below an object. */
export function partsOf({ resource: { group, plural, kind }, status, scale }: Kind): Part[] {
  return [
    ...(status ? [{ name: 'status', kind, verbs: ['get', 'patch', 'update'] }] : []),
    ...(scale === undefined ? [] : [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] }]),
    ...(group === '' ? (CORE_PARTS[plural] ?? []) : []),
  ];
}

const CORE_PARTS: Record<string, Part[]> = {
  pods: [
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  ],
  namespaces: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
};

function groupVersionOf({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

// ── The older form ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function groupsOf(offers: Offer[]): { name: string }[] {
  const names = [...new Set(offers.map(({ group }) => group))].filter((name) => name !== '');
  return names.map((name) => {
    const versions = [...new Set(offers.filter(({ group }) => group === name).map(({ version }) => version))].map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions, preferredVersion: versions[0] };
  });
}

function resourcesOf({ plural, singular, namespaced, kind, verbs, shortNames, categories, parts }: Offer): object[] {
  return [
    { name: plural, singularName: singular, namespaced, kind, verbs, ...(shortNames.length === 0 ? {} : { shortNames }), ...(categories.length === 0 ? {} : { categories }) },
    ...parts.map(({ name, ...part }) => ({ name: `${plural}/${name}`, singularName: '', namespaced, ...part })),
  ];
}

// ── The newer form ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function versionsOf(offers: Offer[]): object[] {
  return [...new Set(offers.map(({ version }) => version))].map((version) => ({
    version,
    resources: offers.filter((offer) => offer.version === version).map(discoveredOf),
    freshness: 'Current',
  }));
}

function discoveredOf({ group, version, plural, singular, namespaced, kind, isCustom, verbs, shortNames, categories, parts }: Offer): object {
  // Of a built-in kind it is said only where it is another one.
  const own = isCustom ? { group, version } : { group: '', version: '' };
  const subresources = parts.map((part) => ({ subresource: part.name, responseKind: { group: part.group ?? own.group, version: part.version ?? own.version, kind: part.kind }, verbs: part.verbs }));
  return {
    resource: plural,
    responseKind: { ...own, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
