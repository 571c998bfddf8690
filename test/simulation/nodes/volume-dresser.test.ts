import { beforeEach, describe, expect, it } from 'vitest';
import { volumes, type PersistentVolume } from '../../../src/kubernetes/objects.ts';
import { DiskController } from '../../../src/simulation/csi/controller.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import { dressVolumes, type VolumeDresser } from '../../../src/simulation/nodes/volume-dresser.ts';
import { WatchedCluster } from '../../../src/simulation/nodes/watched-cluster.ts';
import { FakeApi } from '../../fakes/api.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { SeededRandom } from '../../fakes/random.ts';

let api: FakeApi;
let dresser: VolumeDresser;
let handle: string;
const log = new FakeLog();

beforeEach(async () => {
  const clock = new FakeClock();
  api = new FakeApi({ clock });
  const cluster = new WatchedCluster();
  api.onChange(volumes, ({ type, object }) => (type === 'deleted' ? cluster.delete({ kind: 'PersistentVolume', object }) : cluster.set({ kind: 'PersistentVolume', object })));
  const ecs = new EcsModel({ clock, random: new SeededRandom(1), region: 'cn-beijing', zones: [{ id: 'a', onSale: [{ category: 'cloud_essd' }] }] });
  const controller = new DiskController({ ecs, clock, region: 'cn-beijing' });
  const made = await controller.createVolume({
    name: 'disk-1',
    requiredBytes: 20 * 1024 ** 3,
    parameters: { type: 'cloud_essd' },
    requirement: { requisite: [], preferred: [{ 'topology.kubernetes.io/zone': 'a' }] },
    accessModes: ['SINGLE_NODE_WRITER'],
  });
  handle = made.id;
  dresser = dressVolumes({ api, cluster, controller, log });
});

function volume(name: string, overrides: { driver?: string; handle?: string } = {}): PersistentVolume {
  return { metadata: { name }, spec: { csi: { driver: overrides.driver ?? 'diskplugin.csi.alibabacloud.com', volumeHandle: overrides.handle ?? handle } } };
}

describe('a PV that appears', () => {
  it('gets labels and annotation when the driver made it', async () => {
    await api.create(volumes, volume('disk-1'));
    await dresser.stop();
    const dressed = await api.get(volumes, { name: 'disk-1' });
    expect(dressed?.metadata.labels).toMatchObject({ 'csi.alibabacloud.com/disktype': 'cloud_essd.PL1', 'topology.diskplugin.csi.alibabacloud.com/zone': 'a' });
    expect(Object.keys(dressed?.metadata.annotations ?? {})).toEqual(['csi.alibabacloud.com/volume-topology']);
  });

  it.each([
    ['somebody made it by hand for the same disk', 'by-hand', {}],
    ['it has another disk', 'disk-1', { handle: 'd-other' }],
    ['it is of another driver', 'disk-1', { driver: 'other.csi' }],
  ])('is left alone when %s', async (_why, name, overrides) => {
    await api.create(volumes, volume(name, overrides));
    await dresser.stop();
    expect(api.writes.filter(({ verb }) => verb === 'mergePatch')).toEqual([]);
  });

  it('is written once only', async () => {
    await api.create(volumes, volume('disk-1'));
    await dresser.stop();
    await api.mergePatch(volumes, { name: 'disk-1' }, { metadata: { annotations: { other: 'x' } } });
    expect(api.writes.filter(({ verb }) => verb === 'mergePatch')).toHaveLength(2);
  });
});
