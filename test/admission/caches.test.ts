// What the rules read of the cluster beside the records: here the zones of its nodes.

import { afterEach, expect, test } from 'vitest';
import { createCaches, type Caches } from '../../src/admission/caches.ts';
import { disruptionBudgets, namespaces, nodes, statefulSets } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { node } from '../builders/kubernetes.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock, settleEverything } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';
import { WatchHttp } from './watch-http.ts';

interface Scene {
  api: FakeApi;
  http: WatchHttp;
  caches: Caches;
  zones: () => string[];
}

let running: Caches | undefined;
afterEach(() => running?.stop());

function stage(...zones: string[]): Scene {
  const clock = new FakeClock();
  const api = new FakeApi({ clock });
  for (const zone of zones) api.put(nodes, node({ zone }));
  const http = new WatchHttp(api, [ordinalMigrations, namespaces, statefulSets, nodes, disruptionBudgets]);
  const caches = createCaches({ http, clock, random: new SeededRandom(3), log: new FakeLog(), namespaces: [] });
  running = caches;
  return { api, http, caches, zones: () => [...caches.zones.known()].toSorted() };
}

async function started(...zones: string[]): Promise<Scene> {
  const scene = stage(...zones);
  scene.caches.start();
  await settleEverything();
  return scene;
}

test('no zone is known before all nodes are, and all of them then', async () => {
  const { http, caches, zones } = stage('a', 'b');
  const gate = Promise.withResolvers<void>();
  http.gate = gate.promise;
  caches.start();
  await settleEverything();
  expect(zones()).toEqual([]);
  gate.resolve();
  await settleEverything();
  expect(zones()).toEqual(['a', 'b']);
});

test.each<[string, (api: FakeApi) => void, string[]]>([
  ['a node in a new zone comes', (api) => api.put(nodes, node({ zone: 'c' })), ['a', 'b', 'c']],
  ['the last node of a zone goes', (api) => api.remove(nodes, { name: 'node-b' }), ['a']],
  ['one of two nodes of a zone goes', (api) => {
    api.put(nodes, node({ zone: 'a', name: 'node-a2' }));
    api.remove(nodes, { name: 'node-a' });
  }, ['a', 'b']],
  ['a node is made anew in another zone', (api) => {
    api.remove(nodes, { name: 'node-b' });
    api.put(nodes, node({ zone: 'c', name: 'node-b' }));
  }, ['a', 'c']],
  ['a node is told its zone', (api) => api.change(nodes, { name: 'node-b' }, ({ metadata }) => (metadata.labels = { 'topology.kubernetes.io/zone': 'd' })), ['a', 'd']],
  ['a node loses its zone', (api) => api.change(nodes, { name: 'node-b' }, ({ metadata }) => (metadata.labels = {})), ['a']],
])('the zones are those of now when %s', async (_when, act, expected) => {
  const { api, zones } = await started('a', 'b');
  expect(zones()).toEqual(['a', 'b']);
  act(api);
  await settleEverything();
  expect(zones()).toEqual(expected);
});

test('what else changes of a node leaves the zones as they were counted', async () => {
  const { api, caches } = await started('a', 'b');
  const counted = caches.zones.known();
  api.change(nodes, { name: 'node-a' }, ({ spec }) => (spec.unschedulable = true));
  await settleEverything();
  expect(caches.zones.known()).toBe(counted);
  api.put(nodes, node({ zone: 'c' }));
  await settleEverything();
  expect(caches.zones.known()).not.toBe(counted);
});
