// Disks on nodes: when they are taken off, and what holds them there.

import { pods, volumeAttachments, type VolumeAttachment } from '../../../src/kubernetes/objects.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

const TELLS = ['pod', 'claim', 'volume', 'attachment'] as const;

const attachments = (stage: Stage): VolumeAttachment[] => {
  const own = new Set(stage.volumes().map(({ metadata }) => metadata.name));
  return stage.list(volumeAttachments).filter(({ spec }) => own.has(spec.source.persistentVolumeName ?? ''));
};

function inUse(stage: Stage, node: string): number {
  return stage.node(node)?.status?.volumesInUse?.length ?? 0;
}

const diskStatus = (stage: Stage, claim: string): string | undefined => stage.disk(stage.volumeNamed(stage.claim(claim)?.spec.volumeName))?.status;

const DETACHED: Scenario = {
  name: 'a disk is taken off its node although the gated pod names its claim',
  facts: ['pods-3', 'trap-14'],
  async play(stage) {
    await stage.readySet();
    await stage.replaceGated(0);
    await stage.until('the attachment is gone', () => attachments(stage).length === 0);
    stage.note('at the cloud', diskStatus(stage, 'data-web-0'));
    await stage.calm();
    await stage.ungate(0);
    await stage.untilReady(0);
    stage.note('in the end', diskStatus(stage, 'data-web-0'));
  },
  tells: TELLS,
  order: [
    ['pod web-0#1: gone', 'attachment disk of data-web-0#1#1: gone'],
    ['pod web-0#2: scheduled', 'attachment disk of data-web-0#1#2: asked for'],
    ['attachment disk of data-web-0#1#2: attached', 'pod web-0#2: ready'],
  ],
};

/** A pod on a node of the play's own whose kubelet does not let go of its disk, and which is gone. */
async function stuck(stage: Stage): Promise<{ node: string; letGo: () => void }> {
  const node = await stage.addNode('stuck');
  await stage.createClaim('data');
  await stage.createPod('one', ['data'], stage.onNode(node));
  await stage.untilPodNamed('one', 'ready');
  const letGo = stage.world.behaviour.keepsVolumesInUse({ node });
  stage.atTheEnd(letGo);
  await stage.world.api.delete(pods, stage.ref('one'));
  await stage.until('the pod is gone', () => stage.podNamed('one') === undefined);
  await stage.calm();
  return { node, letGo };
}

const KEPT: Scenario = {
  name: 'a node that is Ready and has the volume in use keeps the attachment, and loses it when it lets go',
  facts: ['trap-8b'],
  async play(stage) {
    const { node, letGo } = await stuck(stage);
    stage.note('meanwhile', { attachments: attachments(stage).length, inUse: inUse(stage, node), disk: diskStatus(stage, 'data') });
    letGo();
    await stage.until('the attachment is gone', () => attachments(stage).length === 0);
    stage.note('then', { inUse: inUse(stage, node), disk: diskStatus(stage, 'data') });
  },
  tells: TELLS,
};

const OUT_OF_SERVICE: Scenario = {
  name: 'a node that is declared out of service loses the attachment although it has the volume in use',
  facts: ['trap-8a'],
  async play(stage) {
    const { node } = await stuck(stage);
    await stage.patchNode(node, { spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }] } });
    await stage.until('the attachment is gone', () => attachments(stage).length === 0);
    stage.note('the node says', { inUse: inUse(stage, node) });
    stage.note('the cloud says', diskStatus(stage, 'data'));
  },
  tells: TELLS,
};

const SILENT: Scenario = {
  name: 'a node that nobody hears of keeps the attachment for six minutes, and loses it then',
  facts: ['trap-8a', 'trap-15b'],
  slow: true,
  async play(stage) {
    const { node } = await stuck(stage);
    const speak = await stage.world.silenceNode(node);
    stage.atTheEnd(speak);
    const since = stage.world.clock.monotonic();
    await stage.until('the node is missed', () => stage.node(node)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') === true, 120_000);
    await stage.calm();
    stage.note('at first', { attachments: attachments(stage).length });
    await stage.until('the attachment is gone', () => attachments(stage).length === 0, 600_000);
    const minutes = (stage.world.clock.monotonic() - since) / 60_000;
    stage.note('six minutes after the pod, or after the node was missed', minutes > 5 && minutes < 8);
    stage.note('the node says', { inUse: inUse(stage, node) });
  },
  tells: TELLS,
};

const MISSED: Scenario = {
  name: 'a pod on a node that nobody hears of stays, and so does its attachment',
  facts: ['trap-15b'],
  slow: true,
  async play(stage) {
    const node = await stage.addNode('silent');
    await stage.createClaim('data');
    await stage.createPod('one', ['data'], stage.onNode(node));
    await stage.untilPodNamed('one', 'ready');
    const speak = await stage.world.silenceNode(node);
    await stage.until('the node is missed', () => stage.node(node)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') === true, 120_000);
    await stage.until('the node is tainted', () => (stage.node(node)?.spec.taints ?? []).filter(({ key }) => key === 'node.kubernetes.io/unreachable').length === 2);
    await stage.calm();
    stage.note('meanwhile', { attachments: attachments(stage).length, inUse: inUse(stage, node), taints: (stage.node(node)?.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).toSorted() });
    await speak();
    await stage.untilPodNamed('one', 'ready');
    await stage.until('the taints are gone', () => !(stage.node(node)?.spec.taints ?? []).some(({ key }) => key.startsWith('node.kubernetes.io/')));
  },
};

const GONE: Scenario[] = (['with', 'without'] as const).map((machine) => ({
  name: `a node object is deleted, ${machine} its machine`,
  facts: ['trap-15a'],
  async play(stage) {
    const node = await stage.addNode('going');
    await stage.createClaim('data');
    await stage.createPod('one', ['data'], stage.onNode(node));
    await stage.untilPodNamed('one', 'ready');
    await stage.world.deleteNode(node, { machine: machine === 'with' });
    await stage.until('the node is gone', () => stage.node(node) === undefined);
    await stage.calm();
    stage.note('then', { disk: diskStatus(stage, 'data'), attachments: attachments(stage).length, pod: stage.podNamed('one') === undefined ? 'gone' : 'there' });
  },
  tells: ['attachment', 'claim'],
}));

const ELSEWHERE: Scenario = {
  name: 'a volume is not attached to a second node while it is on the first',
  facts: ['trap-8b'],
  async play(stage) {
    const [first, second] = [await stage.addNode('first'), await stage.addNode('second')];
    await stage.createClaim('data');
    await stage.createPod('one', ['data'], stage.onNode(first));
    await stage.untilPodNamed('one', 'ready');
    await stage.createPod('two', ['data'], stage.onNode(second));
    await stage.until('the trouble is told', () => stage.events('two', 'FailedAttachVolume').length > 0);
    stage.note('two says', stage.events('two', 'FailedAttachVolume')[0]?.replace(/"disk-[^"]*"/, 'VOLUME').slice(0, 40));
    await stage.calm();
    await stage.world.api.delete(pods, stage.ref('one'));
    await stage.untilPodNamed('two', 'ready');
  },
  tells: TELLS,
};

export const ATTACHING: readonly Scenario[] = [DETACHED, KEPT, OUT_OF_SERVICE, SILENT, MISSED, ...GONE, ELSEWHERE];
