import { describe, expect, it } from 'vitest';
import { DiskController, type DiskControllerOptions } from '../../../src/simulation/csi/controller.ts';
import { CsiError } from '../../../src/simulation/csi/error.ts';
import { DRIVER_ZONE_KEY } from '../../../src/simulation/csi/names.ts';
import type { CreateVolumeRequest } from '../../../src/simulation/csi/volume-request.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import type { EcsSettings } from '../../../src/simulation/ecs/settings.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { SeededRandom } from '../../fakes/random.ts';

const GIB = 1024 ** 3;
const EVERYTHING = [{ category: 'cloud_essd' }, { category: 'cloud_auto' }, { category: 'cloud_ssd' }, { category: 'cloud_efficiency' }];

function setUp(options: { ecs?: Partial<EcsSettings>; controller?: Partial<DiskControllerOptions> } = {}) {
  const clock = new FakeClock();
  const ecs = new EcsModel({
    clock,
    random: new SeededRandom(1),
    region: 'cn-beijing',
    zones: ['a', 'b', 'c'].map((id) => ({ id, onSale: EVERYTHING })),
    instances: [
      { id: 'i-1', zone: 'a' },
      { id: 'i-2', zone: 'a' },
    ],
    ...options.ecs,
  });
  const controller = new DiskController({ ecs, clock, region: 'cn-beijing', clusterId: 'c-1', ...options.controller });
  return { clock, ecs, controller };
}

function request(overrides: Partial<CreateVolumeRequest> = {}): CreateVolumeRequest {
  return {
    name: 'disk-1',
    requiredBytes: 20 * GIB,
    parameters: { type: 'cloud_essd', performanceLevel: 'PL1', ...overrides.parameters },
    requirement: inZone('a'),
    accessModes: ['SINGLE_NODE_WRITER'],
    ...Object.fromEntries(Object.entries(overrides).filter(([key]) => key !== 'parameters')),
  };
}

function inZone(...zones: string[]): NonNullable<CreateVolumeRequest['requirement']> {
  const segments = zones.map((zone) => ({ [DRIVER_ZONE_KEY]: zone }));
  return { requisite: segments, preferred: segments };
}

const never = new AbortController().signal;

async function refusal(promise: Promise<unknown>): Promise<CsiError> {
  const outcome = await promise.then(() => undefined, (error: unknown) => error);
  expect(outcome).toBeInstanceOf(CsiError);
  return outcome as CsiError;
}

describe('CreateVolume', () => {
  it('makes the disk that the class describes in the zone that the scheduler chose', async () => {
    const { controller, ecs } = setUp();
    const volume = await controller.createVolume(request({ parameters: { encrypted: 'true', kmsKeyId: 'k-1' } }));
    expect(ecs.disk(volume.id)).toMatchObject({ zone: 'a', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20, encrypted: true, kmsKeyId: 'k-1', name: 'disk-1' });
    expect(volume).toMatchObject({ capacityBytes: 20 * GIB, topology: { [DRIVER_ZONE_KEY]: 'a' } });
  });

  it('tags it as the real driver does, with what the provisioner tells about the claim', async () => {
    const { controller, ecs } = setUp();
    const volume = await controller.createVolume(
      request({
        parameters: {
          'csi.storage.k8s.io/pvc/name': 'data-web-0',
          'csi.storage.k8s.io/pvc/namespace': 'shop',
          'csi.storage.k8s.io/pv/name': 'disk-1',
          diskTags: 'team:storage',
          'diskTags/cost': '42',
        },
      }),
    );
    expect(ecs.disk(volume.id)?.tags).toEqual({
      'k8s.aliyun.com': 'true',
      createdby: 'alibabacloud-csi-plugin',
      'ack.aliyun.com': 'c-1',
      'kubernetes.io/created-for/pvc/name': 'data-web-0',
      'kubernetes.io/created-for/pvc/namespace': 'shop',
      'kubernetes.io/created-for/pv/name': 'disk-1',
      'csi.alibabacloud.com/volume-name': 'disk-1',
      team: 'storage',
      cost: '42',
    });
    expect(volume.attributes).toEqual({ type: 'cloud_essd', performanceLevel: 'PL1', diskTags: 'team:storage', 'diskTags/cost': '42' });
  });

  it('gives one disk for one name, however often it is asked', async () => {
    const { controller, ecs } = setUp();
    const first = await controller.createVolume(request());
    const second = await controller.createVolume(request());
    expect(second.id).toBe(first.id);
    expect(ecs.disks()).toHaveLength(1);
  });

  it('finds the disk of an answer that got lost, after a restart and with another type of the list asked first', async () => {
    const { controller, ecs, clock } = setUp();
    ecs.faults.add({ action: 'CreateDisk', kind: 'lost', how: 'timeout' });
    const parameters = { type: 'cloud_essd,cloud_auto', performanceLevel: 'PL1' };
    expect((await refusal(controller.createVolume(request({ parameters })))).code).toBe('UNKNOWN');
    expect(ecs.disks()).toHaveLength(1);
    const restarted = new DiskController({ ecs, clock, region: 'cn-beijing', clusterId: 'c-1' });
    const volume = await restarted.createVolume(request({ parameters: { type: 'cloud_auto,cloud_essd', performanceLevel: 'PL1' } }));
    expect(volume.id).toBe(ecs.disks()[0]?.id);
    expect(volume.attributes['type']).toBe('cloud_essd');
  });

  it('refuses the name for a disk of another size', async () => {
    const { controller } = setUp();
    await controller.createVolume(request());
    const error = await refusal(controller.createVolume(request({ requiredBytes: 40 * GIB })));
    expect(error.code).toBe('ALREADY_EXISTS');
    expect(error.message).toContain('size: 20 != requested 40');
  });

  it('rounds a size up to whole GiB', async () => {
    const { controller, ecs } = setUp();
    const volume = await controller.createVolume(request({ requiredBytes: 20 * GIB + 1 }));
    expect(volume.capacityBytes).toBe(21 * GIB);
    expect(ecs.disk(volume.id)?.sizeGiB).toBe(21);
  });

  it('goes through categories and levels until one is big enough and on sale', async () => {
    const { controller, ecs } = setUp();
    ecs.sellOut('a', 'cloud_ssd');
    const volume = await controller.createVolume(
      request({ parameters: { type: 'cloud_ssd,cloud_essd', performanceLevel: 'PL2,PL1' }, requiredBytes: 30 * GIB }),
    );
    expect(volume.attributes).toEqual({ type: 'cloud_essd', performanceLevel: 'PL1' });
  });

  it('says of every type why it cannot be had', async () => {
    const { controller, ecs } = setUp();
    ecs.sellOut('a', 'cloud_ssd');
    const error = await refusal(controller.createVolume(request({ parameters: { type: 'cloud_ssd,cloud_essd', performanceLevel: 'PL2' }, requiredBytes: 30 * GIB })));
    expect(error.code).toBe('INTERNAL');
    expect(error.message).toContain('cloud_ssd: InvalidDataDiskCategory');
    expect(error.message).toContain('cloud_essd.PL2: requested size 30GiB is less than minimum 461GiB');
  });

  it('raises small requests to 20 GiB only where the class says so', async () => {
    const { controller } = setUp();
    const small = { requiredBytes: GIB };
    expect((await refusal(controller.createVolume(request(small)))).message).toContain('less than minimum 20GiB');
    const volume = await controller.createVolume(request({ ...small, parameters: { volumeSizeAutoAvailable: 'true' } }));
    expect(volume.capacityBytes).toBe(20 * GIB);
  });

  it('takes the zones of the class in turn under Immediate, and keeps a name in its zone', async () => {
    const { controller } = setUp();
    const parameters = { type: 'cloud_essd', zoneId: 'c,a' };
    const zoneOf = async (name: string) =>
      (await controller.createVolume(request({ name, parameters, requirement: inZone('a', 'b', 'c') }))).topology[DRIVER_ZONE_KEY];
    expect([await zoneOf('disk-1'), await zoneOf('disk-2'), await zoneOf('disk-3'), await zoneOf('disk-2')]).toEqual(['c', 'a', 'c', 'a']);
  });

  it('puts the zone of the chosen node before the list of the class', async () => {
    const { controller } = setUp();
    const volume = await controller.createVolume(request({ parameters: { zoneId: 'c,b' }, requirement: inZone('b') }));
    expect(volume.topology).toEqual({ [DRIVER_ZONE_KEY]: 'b' });
  });

  it('asks only for categories that the chosen node can take', async () => {
    const { controller } = setUp({ controller: { supportedCategories: async () => new Set(['cloud_auto']) } });
    const parameters = { type: 'cloud_essd,cloud_auto', 'csi.storage.k8s.io/pvc/name': 'x', 'csi.storage.k8s.io/pvc/namespace': 'y' };
    expect((await controller.createVolume(request({ parameters }))).attributes['type']).toBe('cloud_auto');
  });

  it.each([
    [{ type: 'cloud_magic' }, 'parameter type: "cloud_magic" is not known'],
    [{ performanceLevel: 'PL9' }, 'parameter performanceLevel: "PL9" is not known'],
    [{ diskTags: 'oops' }, 'parameter diskTags: "oops" has no ":"'],
  ])('refuses %j for good', async (parameters, message) => {
    const { controller } = setUp();
    const error = await refusal(controller.createVolume(request({ parameters })));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(message);
  });

  it('refuses volumes for several nodes', async () => {
    const { controller } = setUp();
    expect((await refusal(controller.createVolume(request({ accessModes: ['MULTI_NODE_MULTI_WRITER'] })))).code).toBe('INVALID_ARGUMENT');
  });
});

describe('ControllerPublish', () => {
  it('attaches and waits until the disk is in use there', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    expect(ecs.disk(id)?.status).toBe('In_use');
    expect(() => ecs.guestWrite('i-1', id, 'guest')).not.toThrow();
  });

  it('succeeds at once for a disk that is there already', async () => {
    const { controller, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    await controller.publish(id, 'i-1', never);
    expect(controller.operations.filter(({ operation }) => operation === 'attach')).toHaveLength(1);
  });

  it('does not take a disk from another instance', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    expect((await refusal(controller.publish(id, 'i-2', never))).code).toBe('ABORTED');
    expect(ecs.disk(id)?.attachments.map(({ instanceId }) => instanceId)).toEqual(['i-1']);
  });

  it('takes it by force where that is switched on', async () => {
    const { controller, ecs, clock } = setUp({ controller: { detachBeforeAttach: true } });
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    await clock.settle(controller.publish(id, 'i-2', never));
    expect(ecs.disk(id)?.attachments.map(({ instanceId }) => instanceId)).toEqual(['i-2']);
  });

  it('waits for a disk that is just being detached', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    const detached = controller.unpublish(id, 'i-1', never);
    await clock.until(() => ecs.disk(id)?.status === 'Detaching');
    await clock.settle(controller.publish(id, 'i-2', never));
    await detached;
    expect(ecs.disk(id)?.attachments.map(({ instanceId }) => instanceId)).toEqual(['i-2']);
  });

  it('says NOT_FOUND for an unknown disk and for an unknown instance', async () => {
    const { controller, clock } = setUp();
    expect((await refusal(controller.publish('d-none', 'i-1', never))).code).toBe('NOT_FOUND');
    const { id } = await controller.createVolume(request());
    expect((await refusal(clock.settle(controller.publish(id, 'i-none', never)))).code).toBe('NOT_FOUND');
  });

  it('gives up when the caller does', async () => {
    const { controller, clock } = setUp({ ecs: { timings: { attachMs: 60_000 } } });
    const { id } = await controller.createVolume(request());
    const caller = new AbortController();
    const outcome = refusal(controller.publish(id, 'i-1', caller.signal));
    await clock.advance(10_000);
    caller.abort();
    expect((await outcome).code).toBe('DEADLINE_EXCEEDED');
  });

  it('gives up when the instance goes while the disk is being attached to it', async () => {
    const { controller, ecs, clock } = setUp({ ecs: { timings: { attachMs: 60_000 } } });
    const { id } = await controller.createVolume(request());
    const outcome = refusal(controller.publish(id, 'i-1', never));
    await clock.advance(10_000);
    expect(ecs.disk(id)?.status).toBe('Attaching');
    ecs.removeInstance('i-1');
    await clock.advance(10_000);
    expect(await outcome).toMatchObject({ code: 'ABORTED', message: `disk ${id} was not attached to instance i-1: it is Available` });
  });
});

describe('ControllerUnpublish', () => {
  it('detaches and waits until the disk is free', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    await clock.settle(controller.unpublish(id, 'i-1', never));
    expect(ecs.disk(id)).toMatchObject({ status: 'Available', attachments: [] });
  });

  it('succeeds for a disk that is gone or elsewhere, and leaves it there', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    await controller.unpublish(id, 'i-2', never);
    await controller.unpublish('d-none', 'i-2', never);
    expect(ecs.disk(id)?.status).toBe('In_use');
  });
});

describe('DeleteVolume', () => {
  it('takes a disk away from its instance and deletes it: the real default', async () => {
    const { controller, ecs, clock } = setUp();
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    await clock.settle(controller.deleteVolume(id, never));
    expect(ecs.disk(id)?.status).toBe('Deleted');
  });

  it('leaves a disk in use alone where DetachBeforeDelete is off', async () => {
    const { controller, ecs, clock } = setUp({ controller: { detachBeforeDelete: false } });
    const { id } = await controller.createVolume(request());
    await clock.settle(controller.publish(id, 'i-1', never));
    expect((await refusal(controller.deleteVolume(id, never))).code).toBe('INTERNAL');
    expect(ecs.disk(id)?.status).toBe('In_use');
  });

  it('succeeds for a disk that is gone', async () => {
    const { controller } = setUp();
    await expect(controller.deleteVolume('d-none', never)).resolves.toBeUndefined();
  });
});

describe('what the PV gets put on', () => {
  it('is the disk type, region and zone, and the node label that its category needs', async () => {
    const { controller } = setUp();
    const { id } = await controller.createVolume(request({ parameters: { type: 'cloud_essd', performanceLevel: '' } }));
    expect(controller.dressingFor({ name: 'disk-1', handle: id })).toEqual({
      labels: {
        'csi.alibabacloud.com/disktype': 'cloud_essd.PL1',
        'topology.diskplugin.csi.alibabacloud.com/region': 'cn-beijing',
        'topology.diskplugin.csi.alibabacloud.com/zone': 'a',
      },
      annotations: {
        'csi.alibabacloud.com/volume-topology':
          '{"nodeSelectorTerms":[{"matchExpressions":[{"key":"node.csi.alibabacloud.com/disktype.cloud_essd","operator":"In","values":["available"]}]}]}',
      },
    });
  });

  it('is nothing for a PV of another name or disk', async () => {
    const { controller } = setUp();
    const { id } = await controller.createVolume(request());
    expect(controller.dressingFor({ name: 'disk-2', handle: id })).toBeUndefined();
    expect(controller.dressingFor({ name: 'disk-1', handle: 'd-other' })).toBeUndefined();
  });
});
