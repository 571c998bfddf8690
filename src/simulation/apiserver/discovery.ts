// What the server says that it serves: /api, /apis, and the resources of each group version, in the older form that every client reads.

import type { Kind } from './kinds/kind.ts';

const READ_WRITE = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Undefined for a path that discovery has nothing to say about. */
export function discover(path: string, kinds: Kind[]): object | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds) };
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.3', platform: 'linux/amd64' };
  if (parts[0] === 'apis' && parts.length === 2) return groupsOf(kinds).find((group) => group.name === parts[1]);
  const [group = '', version] = parts[0] === 'api' ? ['', parts[1]] : [parts[1], parts[2]];
  const served = kinds.filter(({ resource }) => resource.group === group && resource.version === version);
  if (served.length === 0) return undefined;
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: served.flatMap(resourcesOf) };
}

function groupsOf(kinds: Kind[]): { name: string }[] {
  const versions = new Map(kinds.filter(({ resource }) => resource.group !== '').map(({ resource }) => [resource.group, resource.version]));
  return [...versions].map(([name, version]) => {
    const served = { groupVersion: `${name}/${version}`, version };
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions: [served], preferredVersion: served };
  });
}

function resourcesOf(kind: Kind): object[] {
  const { plural, namespaced, kind: name, group } = kind.resource;
  const short = kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames };
  const categories = kind.categories === undefined ? {} : { categories: kind.categories };
  const part = (subresource: string, of: object): object => ({ name: `${plural}/${subresource}`, singularName: '', namespaced, ...of });
  return [
    { name: plural, singularName: kind.singular, namespaced, kind: name, verbs: READ_WRITE, ...short, ...categories },
    ...(kind.status ? [part('status', { kind: name, verbs: ['get', 'patch', 'update'] })] : []),
    ...(kind.scale === undefined ? [] : [part('scale', { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] })]),
    ...(group === '' && plural === 'pods' ? [part('binding', { kind: 'Binding', verbs: ['create'] }), part('eviction', { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] })] : []),
    ...(group === '' && plural === 'namespaces' ? [part('finalize', { kind: name, verbs: ['update'] })] : []),
  ];
}
