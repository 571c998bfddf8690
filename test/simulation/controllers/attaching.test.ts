// Attaching and detaching, nodes that fall silent or go, and what pods find on their disks.

import { describe, expect, it } from 'vitest';
import { events, nodes, pods, volumeAttachments } from '../../../src/kubernetes/objects.ts';
import { SHOP, stage, type Stage, type StageOptions } from './stage.ts';

const SIX_MINUTES = 6 * 60_000;

async function running(options: StageOptions = {}): Promise<{ on: Stage; node: string; disk: string }> {
  const on = await stage(options);
  await on.interceptCreates();
  await on.readySet({ replicas: 1 });
  await on.cluster.pass(1_000);
  return { on, node: on.pod(0)?.spec.nodeName ?? '', disk: on.volumeOf('data-web-0')?.spec.csi?.volumeHandle ?? '' };
}

const attachments = (on: Stage): string[] => on.cluster.server.readAll(volumeAttachments).map(({ spec }) => spec.nodeName);
const node = (on: Stage, name: string) => on.cluster.server.read(nodes, { name });
const deletePod = (on: Stage, options = {}): Promise<unknown> => on.do(on.admin.delete(pods, { namespace: SHOP, name: 'web-0' }, options));

it('a disk in use shows everywhere: at the cloud, in the attachment, in volumesAttached and in volumesInUse', async () => {
  const { on, node: name, disk } = await running();
  const unique = `kubernetes.io/csi/diskplugin.csi.alibabacloud.com^${disk}`;
  expect(on.cluster.ecs.disk(disk)?.status).toBe('In_use');
  expect(node(on, name)?.status).toMatchObject({ volumesInUse: [unique], volumesAttached: [{ name: unique }] });
  expect(on.cluster.server.readAll(volumeAttachments)).toMatchObject([{ spec: { nodeName: name }, status: { attached: true }, metadata: { finalizers: ['external-attacher/diskplugin-csi-alibabacloud-com'] } }]);
});

it('is detached although a gated pod names its claim', async () => {
  const { on, node: name, disk } = await running();
  await on.replaceGated(0);
  await on.cluster.run(() => attachments(on).length === 0, 10_000);
  expect(on.cluster.ecs.disk(disk)?.status).toBe('Available');
  expect(node(on, name)?.status?.volumesInUse ?? []).toEqual([]);
  expect(node(on, name)?.status?.volumesAttached ?? []).toEqual([]);
});

it('the pod that comes back finds what the one before it wrote last', async () => {
  const { on } = await running();
  await on.replaceGated(0);
  on.gated.clear();
  await on.ungate(0);
  await on.untilReady([0]);
  const [, second] = on.cluster.records.starts;
  expect(second?.lastText).toMatch(/^stopped /);
  expect(on.cluster.records.lost).toEqual([]);
});

describe('as long as the kubelet lists a volume in volumesInUse', () => {
  it('stays attached, however long, while the node is Ready', async () => {
    const { on, disk } = await running();
    const heal = on.cluster.behaviour.keepsVolumesInUse({});
    await on.replaceGated(0);
    await on.cluster.pass(2 * SIX_MINUTES);
    expect(on.cluster.ecs.disk(disk)?.status).toBe('In_use');
    heal();
    await on.cluster.run(() => attachments(on).length === 0, 10_000);
  });

  it('may be taken from a node that nobody hears of after six minutes: the attachment is gone, the unmount was not clean', async () => {
    const { on, node: name, disk } = await running();
    on.gated.add('web-0');
    await on.do(on.cluster.silenceNode(name));
    await deletePod(on, { gracePeriodSeconds: 0 });
    await on.cluster.pass(SIX_MINUTES - 10_000);
    expect(on.cluster.ecs.disk(disk)?.status).toBe('In_use');
    await on.cluster.run(() => attachments(on).length === 0, 60_000);
    expect(on.cluster.ecs.disk(disk)?.status).toBe('Available');
    expect(node(on, name)?.status?.volumesInUse).toHaveLength(1);
  });

  it('the end of the node object ends the listing, and six minutes later the attachment', async () => {
    const { on, node: name, disk } = await running();
    on.gated.add('web-0');
    await on.do(on.cluster.deleteNode(name, { machine: false }));
    expect(node(on, name)).toBeUndefined();
    // Its pod is collected when the node has been gone for a while.
    await on.cluster.run(() => on.pod(0)?.spec.nodeName === undefined, 120_000);
    await on.cluster.pass(60_000);
    expect(attachments(on)).toEqual([name]);
    await on.cluster.run(() => attachments(on).length === 0, 2 * SIX_MINUTES);
    expect(on.cluster.ecs.disk(disk)?.status).toBe('Available');
  });
});

it('a node that goes with its machine leaves a free disk at the cloud', async () => {
  const { on, node: name, disk } = await running();
  await on.do(on.cluster.deleteNode(name));
  await on.cluster.run(() => on.cluster.ecs.disk(disk)?.status === 'Available', 60_000);
  await on.untilReadyElsewhere(name);
  expect(on.cluster.records.lost).toEqual([]);
});

it('a volume is not attached to a second node while it is on the first', async () => {
  const { on, node: name, disk } = await running();
  await on.do(on.cluster.silenceNode(name));
  await deletePod(on, { gracePeriodSeconds: 0 });
  await on.cluster.run(() => ![undefined, name].includes(on.pod(0)?.spec.nodeName), 120_000);
  await on.cluster.pass(30_000);
  expect(on.cluster.ecs.disk(disk)?.attachments.map(({ instanceId }) => instanceId)).toEqual([`i-${name}`]);
  expect(on.eventsOf('web-0').filter((event) => event.includes('Multi-Attach error'))).toHaveLength(1);
  // As often as it is looked at, it is said once.
  expect(on.cluster.server.readAll(events).filter((event) => (event as { reason?: string }).reason === 'FailedAttachVolume')).toMatchObject([{ count: 1 }]);
});

it('a silent node is tainted, its pods evicted after five minutes, and freed of it when it speaks again', async () => {
  const { on, node: name } = await running();
  const speak = await on.do(on.cluster.silenceNode(name));
  await on.cluster.run(() => node(on, name)?.spec.taints?.length === 2, 5_000);
  await on.cluster.pass(290_000);
  expect(on.pod(0)?.metadata.deletionTimestamp).toBeUndefined();
  await on.cluster.run(() => on.pod(0)?.metadata.deletionTimestamp !== undefined, 30_000);
  await on.do(speak());
  await on.cluster.run(() => node(on, name)?.spec.taints === undefined, 5_000);
  await on.untilReady([0]);
  expect(on.cluster.records.lost).toEqual([]);
});

it('a disk that the cloud does not let go shows in the attachment, and is tried again after a while', async () => {
  const { on, disk } = await running();
  on.cluster.ecs.faults.add({ kind: 'error', action: 'DetachDisk', code: 'IncorrectInstanceStatus' });
  await on.replaceGated(0);
  await on.cluster.pass(500);
  expect(on.cluster.server.readAll(volumeAttachments)[0]?.status?.['detachError']).toMatchObject({ message: expect.stringContaining('IncorrectInstanceStatus') as string });
  expect(on.cluster.ecs.disk(disk)?.status).toBe('In_use');
  await on.cluster.run(() => attachments(on).length === 0, 5_000);
});
