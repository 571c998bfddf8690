import { expect, it } from 'vitest';
import { pods } from '../../src/kubernetes/objects.ts';
import { FakeApi } from './api.ts';
import { createFakeReflector } from './reflector.ts';

it('the fake reflector follows the fake API server, and lags behind when told to', async () => {
  const api = new FakeApi();
  api.put(pods, { metadata: { namespace: 'shop', name: 'web-0' }, spec: { nodeName: 'n1' } });
  const reflector = createFakeReflector(api, pods, { indexes: { node: (pod) => [pod.spec.nodeName ?? ''] } });
  const changes: string[] = [];
  reflector.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  reflector.start();
  expect(await reflector.synced).toBe(true);
  reflector.lag();
  await api.delete(pods, { namespace: 'shop', name: 'web-0' }, {}, { gracePeriodSeconds: 0 });
  api.put(pods, { metadata: { namespace: 'shop', name: 'web-0' }, spec: { nodeName: 'n2' } });
  expect(reflector.byIndex('node', 'n1')).toHaveLength(1);
  reflector.catchUp();
  expect(reflector.byIndex('node', 'n1')).toEqual([]);
  expect(changes).toEqual(['added web-0', 'deleted web-0', 'added web-0']);
});
