// What the server fills in that people see with kubectl: the zone of a pod, a service, a driver, the modes of files; and a Scale to zero.

import { describe, expect, it } from 'vitest';
import { nodes, pods, statefulSets, type StatefulSet } from '../../../src/kubernetes/objects.ts';
import { ADMIN, type ApiServer } from '../../../src/simulation/apiserver/contract.ts';
import { csiDrivers, services } from '../../../src/simulation/apiserver/kinds/built-in.ts';
import { podOf, setOf } from './cases.ts';
import { exchange } from './json-over-http.ts';
import { simulated, withNamespace } from './simulated.ts';

const ZONE = 'topology.kubernetes.io/zone';
const inShop = <T extends { metadata: object }>(object: T): T => ({ ...object, metadata: { ...object.metadata, namespace: 'shop' } });

async function aShop(): Promise<ApiServer> {
  const { server } = simulated();
  await withNamespace(server, 'shop');
  await server.client(ADMIN).create(nodes, { metadata: { name: 'node-a', labels: { [ZONE]: 'a', other: 'label' } }, spec: {} });
  return server;
}

describe('a pod takes the zone of its node as a label', () => {
  it('when it is bound', async () => {
    const server = await aShop();
    const admin = server.client(ADMIN);
    await admin.create(pods, inShop(podOf('web-0')));
    await admin.bind({ namespace: 'shop', name: 'web-0' }, 'node-a');
    expect(server.read(pods, { namespace: 'shop', name: 'web-0' })?.metadata.labels).toEqual({ app: 'web', [ZONE]: 'a' });
  });

  it('when it is made there', async () => {
    const made = await (await aShop()).client(ADMIN).create(pods, inShop(podOf('web-0', { spec: { nodeName: 'node-a' } })));
    expect(made.metadata.labels).toEqual({ app: 'web', [ZONE]: 'a' });
  });

  it('but none of a node that is not there', async () => {
    const made = await (await aShop()).client(ADMIN).create(pods, inShop(podOf('web-0', { spec: { nodeName: 'nowhere' } })));
    expect(made.metadata.labels).toEqual({ app: 'web' });
  });
});

describe('filled in', () => {
  it('is what a service leaves out, but for an address', async () => {
    const admin = (await aShop()).client(ADMIN);
    const made = await admin.create(services, inShop({ metadata: { name: 'web' }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } }));
    expect(made.spec).toMatchObject({ type: 'ClusterIP', clusterIPs: ['None'], ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] });
    expect((await admin.create(services, inShop({ metadata: { name: 'other' }, spec: {} }))).spec).not.toHaveProperty('clusterIPs');
  });

  it('is what a CSI driver leaves out', async () => {
    const made = await (await aShop()).client(ADMIN).create(csiDrivers, { metadata: { name: 'd' }, spec: { attachRequired: false } });
    expect(made.spec).toMatchObject({ attachRequired: false, volumeLifecycleModes: ['Persistent'] });
  });

  it('is the mode of files', async () => {
    const made = await (await aShop()).client(ADMIN).create(pods, inShop(podOf('web-0', { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }, { name: 'e', emptyDir: {} }] } })));
    expect(made.spec.volumes).toEqual([{ name: 'v', configMap: { name: 'c', defaultMode: 420 } }, { name: 'e', emptyDir: {} }]);
  });

  it('is nothing where metadata is empty', async () => {
    const made = await (await aShop()).client(ADMIN).create(pods, inShop(podOf('web-0', { metadata: { labels: {}, annotations: {} } })));
    expect([made.metadata.labels, made.metadata.annotations]).toEqual([undefined, undefined]);
  });
});

it('a Scale that says nothing scales to zero, as Go leaves a zero out', async () => {
  const server = await aShop();
  await server.client(ADMIN).create(statefulSets, inShop(setOf('web', { replicas: 3 }) as StatefulSet));
  const path = '/apis/apps/v1/namespaces/shop/statefulsets/web/scale';
  const { body } = await exchange(server.http(ADMIN), { path });
  expect((await exchange(server.http(ADMIN), { method: 'PUT', path, body: { ...body, spec: {} } })).body.spec.replicas).toBe(0);
  expect(server.read(statefulSets, { namespace: 'shop', name: 'web' })?.spec.replicas).toBe(0);
});

it('namespaces cannot be deleted all at once', async () => {
  expect(await exchange((await aShop()).http(ADMIN), { method: 'DELETE', path: '/api/v1/namespaces' })).toMatchObject({ status: 405 });
});
