import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/ports/clock.ts';
import { systemRandom } from '../../../src/ports/random.ts';
import { DiskController } from '../../../src/simulation/csi/controller.ts';
import { loadCsi, serveCsi, type CsiServer } from '../../../src/simulation/csi/grpc-server.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';

type Message = Record<string, unknown>;
type Caller = (method: string, request: Message, options?: { deadlineMs?: number }) => Promise<Message>;

let folder: string;
let server: CsiServer;
let ecs: EcsModel;
let identity: Caller;
let controller: Caller;
const clients: grpc.Client[] = [];
const log: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csi-'));
  ecs = new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: 'cn-beijing',
    zones: [{ id: 'a', onSale: [{ category: 'cloud_essd' }] }],
    instances: [{ id: 'i-1', zone: 'a' }],
    timings: { createDiskMs: 0, attachMs: 20, detachMs: 20 },
  });
  server = await serveCsi({
    controller: new DiskController({ ecs, clock: systemClock, region: 'cn-beijing', pollMs: 5 }),
    socketPath: join(folder, 'csi.sock'),
    log: (line) => log.push(line),
  });
  const services = loadCsi();
  identity = caller(new services.Identity(`unix:${server.socketPath}`, grpc.credentials.createInsecure()));
  controller = caller(new services.Controller(`unix:${server.socketPath}`, grpc.credentials.createInsecure()));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
  await rm(folder, { recursive: true });
  log.length = 0;
});

function caller(client: grpc.Client): Caller {
  clients.push(client);
  return (method, request, { deadlineMs = 10_000 } = {}) =>
    new Promise((resolve, reject) => {
      const call = (client as unknown as Record<string, (...args: unknown[]) => void>)[method]!;
      call.call(client, request, { deadline: Date.now() + deadlineMs }, (error: Error | null, answer: Message) => (error === null ? resolve(answer) : reject(error)));
    });
}

const createRequest = {
  name: 'disk-1',
  capacity_range: { required_bytes: 20 * 1024 ** 3 },
  volume_capabilities: [{ mount: { fs_type: 'ext4' }, access_mode: { mode: 'SINGLE_NODE_WRITER' } }],
  parameters: { type: 'cloud_essd' },
  accessibility_requirements: {
    requisite: [{ segments: { 'topology.diskplugin.csi.alibabacloud.com/zone': 'a' } }],
    preferred: [{ segments: { 'topology.diskplugin.csi.alibabacloud.com/zone': 'a' } }],
  },
};

describe('the driver over its socket', () => {
  it('says who it is and what it can', async () => {
    expect(await identity('GetPluginInfo', {})).toMatchObject({ name: 'diskplugin.csi.alibabacloud.com' });
    expect(await identity('Probe', {})).toEqual({ ready: { value: true } });
    const plugin = (await identity('GetPluginCapabilities', {})) as { capabilities: { service: { type: string } }[] };
    expect(plugin.capabilities.map(({ service }) => service.type)).toEqual(['CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS']);
    const own = (await controller('ControllerGetCapabilities', {})) as { capabilities: { rpc: { type: string } }[] };
    expect(own.capabilities.map(({ rpc }) => rpc.type)).toEqual(['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME']);
  });

  it('makes, attaches, detaches and deletes a disk', async () => {
    const { volume } = (await controller('CreateVolume', createRequest)) as { volume: Message };
    const id = String(volume['volume_id']);
    expect(volume).toMatchObject({
      capacity_bytes: 20 * 1024 ** 3,
      volume_context: { type: 'cloud_essd' },
      accessible_topology: [{ segments: { 'topology.diskplugin.csi.alibabacloud.com/zone': 'a' } }],
    });
    await controller('ControllerPublishVolume', { volume_id: id, node_id: 'i-1' });
    expect(ecs.disk(id)?.status).toBe('In_use');
    await controller('ControllerUnpublishVolume', { volume_id: id, node_id: 'i-1' });
    expect(ecs.disk(id)?.status).toBe('Available');
    await controller('DeleteVolume', { volume_id: id });
    expect(ecs.disk(id)?.status).toBe('Deleted');
  });

  it('answers with the codes that the sidecars act on, and logs why', async () => {
    await expect(controller('ControllerPublishVolume', { volume_id: 'd-none', node_id: 'i-1' })).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
    await expect(controller('CreateVolume', { ...createRequest, parameters: { type: 'cloud_ssd,nonsense' } })).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    await expect(controller('DeleteVolume', {})).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: 'volume_id is missing' });
    await expect(controller('ControllerExpandVolume', { volume_id: 'd' })).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
    expect(log[0]).toMatch(/^ControllerPublishVolume: disk d-none is not in region/);
  });

  it('stops working on a call whose caller gave up', async () => {
    const { volume } = (await controller('CreateVolume', createRequest)) as { volume: Message };
    const id = String(volume['volume_id']);
    ecs.faults.add({ action: 'AttachDisk', kind: 'stuck' });
    await expect(controller('ControllerPublishVolume', { volume_id: id, node_id: 'i-1' }, { deadlineMs: 50 })).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
    await expect.poll(() => log).toContainEqual(`ControllerPublishVolume: disk ${id} is still Attaching`);
  });
});
