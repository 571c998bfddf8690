// The real provisioner and attacher with the real scheduler and controllers, in front of a driver that only remembers what it was asked.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCsi } from '../../src/simulation/csi/grpc-server.ts';
import { processesNaming } from './processes.ts';
import { startSidecars, type Sidecars } from './sidecars.ts';
import { startControlPlane, type ControlPlane } from './start.ts';

const DRIVER = 'diskplugin.csi.alibabacloud.com';
const TOPOLOGY = 'topology.diskplugin.csi.alibabacloud.com/zone';
const WAIT = { timeout: 60_000, interval: 50 };

interface Call {
  readonly method: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly request: Record<string, any>;
}

let controlPlane: ControlPlane;
let driver: RememberingDriver;
let sidecars: Sidecars;

beforeAll(async () => {
  // Sidecars that end and are started again are what some tests are about.
  controlPlane = await startControlPlane({ log: () => undefined });
  driver = await RememberingDriver.listen(join(controlPlane.directory, 'csi.sock'));
  sidecars = await startSidecars({ controlPlane, socketPath: driver.socketPath });
  await controlPlane.kubectl(['apply', '-f', '-'], objects([...node('node-a', 'zone-a'), ...node('node-b', 'zone-b'), storageClass()]));
});

afterAll(async () => {
  await sidecars?.stop();
  driver?.close();
  await controlPlane?.stop();
});

test('a claim that waits for its pod is provisioned in the zone of the node the scheduler picked, and attached there', async () => {
  await controlPlane.kubectl(['apply', '-f', '-'], objects([claim('first'), pod('first', 'node-b')]));

  await expect.poll(() => attached('first'), WAIT).toBe('node-b');
  const created = driver.calls.find(({ method }) => method === 'CreateVolume');
  expect(created?.request['accessibility_requirements'].requisite).toEqual([{ segments: { [TOPOLOGY]: 'zone-b' } }]);
  expect(created?.request['parameters']).toMatchObject({ type: 'cloud_essd', 'csi.storage.k8s.io/pvc/name': 'first' });
  const volume = await volumeOf('first');
  expect(volume.metadata.name).toMatch(/^disk-[0-9a-f-]{36}$/);
  expect(volume.metadata.finalizers.toSorted()).toEqual([
    'external-attacher/diskplugin-csi-alibabacloud-com',
    'external-provisioner.volume.kubernetes.io/finalizer',
    'kubernetes.io/pv-protection',
  ]);
  expect(volume.spec.nodeAffinity.required.nodeSelectorTerms).toEqual([{ matchExpressions: [{ key: TOPOLOGY, operator: 'In', values: ['zone-b'] }] }]);
});

test('they act under the service account of the cloud’s own deployment', async () => {
  const { metadata } = await volumeOf('first');
  const creator = async (): Promise<string | undefined> =>
    (await controlPlane.writes()).find(({ verb, resource, name }) => verb === 'create' && resource === 'persistentvolumes' && name === metadata.name)?.user;

  await expect.poll(creator, WAIT).toBe('system:serviceaccount:kube-system:alicloud-csi-provisioner');
});

test('they are there again after kill -9', async () => {
  await sidecars.kill('csi-provisioner');
  await sidecars.kill('csi-attacher');

  await controlPlane.kubectl(['apply', '-f', '-'], objects([claim('second'), pod('second', 'node-a')]));
  await expect.poll(() => attached('second'), WAIT).toBe('node-a');
});

test('they find their driver again after it was away', async () => {
  driver.close();
  driver = await RememberingDriver.listen(driver.socketPath);

  await controlPlane.kubectl(['apply', '-f', '-'], objects([claim('third'), pod('third', 'node-a')]));
  await expect.poll(() => attached('third'), WAIT).toBe('node-a');
});

test('a deleted claim’s disk is detached first, then deleted', async () => {
  const handle = (await volumeOf('second')).spec.csi.volumeHandle;
  await controlPlane.kubectl(['delete', 'pod/second', '--grace-period=0', '--force']);
  await controlPlane.kubectl(['delete', 'pvc/second', '--wait=false']);

  const seen = (): string[] => driver.calls.filter(({ request }) => request['volume_id'] === handle).map(({ method }) => method);
  await expect.poll(seen, WAIT).toContain('DeleteVolume');
  // The provisioner may ask again before its cache has seen that the volume is gone: DeleteVolume is idempotent.
  const asked = new Set(seen().filter((method) => method !== 'ControllerPublishVolume'));
  expect([...asked]).toEqual(['ControllerUnpublishVolume', 'DeleteVolume']);
});

test('stop leaves no sidecar behind', async () => {
  expect(processesNaming(driver.socketPath)).not.toEqual([]);

  await sidecars.stop();

  expect(processesNaming(driver.socketPath)).toEqual([]);
});

/** The node that the claim's disk is attached to, as the attacher reports it. */
async function attached(claimName: string): Promise<string | undefined> {
  const volume = await controlPlane.kubectl(['get', 'pvc', claimName, '-o', 'jsonpath={.spec.volumeName}']);
  const list = JSON.parse(await controlPlane.kubectl(['get', 'volumeattachments', '-o', 'json']));
  // oxlint-disable-next-line typescript/no-explicit-any
  return list.items.find((item: any) => item.spec.source.persistentVolumeName === volume && item.status.attached)?.spec.nodeName;
}

// oxlint-disable-next-line typescript/no-explicit-any
async function volumeOf(claimName: string): Promise<any> {
  const volume = await controlPlane.kubectl(['get', 'pvc', claimName, '-o', 'jsonpath={.spec.volumeName}']);
  return JSON.parse(await controlPlane.kubectl(['get', 'pv', volume, '-o', 'json']));
}

function objects(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function node(name: string, zone: string): object[] {
  const driverOfNode = { name: DRIVER, nodeID: name, topologyKeys: [TOPOLOGY], allocatable: { count: 8 } };
  const room = { cpu: '4', memory: '8Gi', pods: '50' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: { [TOPOLOGY]: zone, 'kubernetes.io/hostname': name },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      // `kubectl apply` of a new node keeps its status, unlike that of most kinds.
      status: { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
    },
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name }, spec: { drivers: [driverOfNode] } },
  ];
}

function storageClass(): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'disk' },
    provisioner: DRIVER,
    parameters: { type: 'cloud_essd' },
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
  };
}

function claim(name: string): object {
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'disk', resources: { requests: { storage: '20Gi' } } };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default' }, spec };
}

function pod(name: string, hostname: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': hostname },
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'main', image: 'none', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    },
  };
}

/** Says yes to everything, at once. */
class RememberingDriver {
  readonly calls: Call[] = [];
  readonly socketPath: string;
  private readonly server = new grpc.Server();

  static async listen(socketPath: string): Promise<RememberingDriver> {
    const made = new RememberingDriver(socketPath);
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      made.server.bindAsync(`unix:${socketPath}`, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
    });
    return made;
  }

  private constructor(socketPath: string) {
    this.socketPath = socketPath;
    const { Identity, Controller } = loadCsi();
    const answer =
      (method: string, reply: (request: Call['request']) => object): grpc.handleUnaryCall<Call['request'], object> =>
      ({ request }, callback) => {
        this.calls.push({ method, request });
        callback(null, reply(request));
      };
    const capability = (type: string): object => ({ rpc: { type } });
    this.server.addService(Identity.service, {
      GetPluginInfo: answer('GetPluginInfo', () => ({ name: DRIVER, vendor_version: 'test' })),
      GetPluginCapabilities: answer('GetPluginCapabilities', () => ({
        capabilities: ['CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS'].map((type) => ({ service: { type } })),
      })),
      Probe: answer('Probe', () => ({ ready: { value: true } })),
    });
    this.server.addService(Controller.service, {
      ControllerGetCapabilities: answer('ControllerGetCapabilities', () => ({
        capabilities: ['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME'].map(capability),
      })),
      CreateVolume: answer('CreateVolume', (request) => ({
        volume: {
          volume_id: `d-${request['name']}`,
          capacity_bytes: request['capacity_range'].required_bytes,
          accessible_topology: request['accessibility_requirements'].preferred.slice(0, 1),
        },
      })),
      DeleteVolume: answer('DeleteVolume', () => ({})),
      ControllerPublishVolume: answer('ControllerPublishVolume', () => ({ publish_context: {} })),
      ControllerUnpublishVolume: answer('ControllerUnpublishVolume', () => ({})),
    });
  }

  close(): void {
    this.server.forceShutdown();
  }
}
