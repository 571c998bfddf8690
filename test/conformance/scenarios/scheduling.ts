// Where pods go with their volumes, and what keeps them from going anywhere.

import { pods } from '../../../src/kubernetes/objects.ts';
import { volumePhase } from '../../../src/kubernetes/reading.ts';
import type { Scenario } from '../scenario.ts';
import { claimName, type SetOptions, type Stage } from '../stage.ts';
import { HOME, TARGET } from '../world.ts';
import { MODES } from './axes.ts';

const ZONE = 'topology.kubernetes.io/zone';

/** A move up to the end of the gate; what the pod and the volume say about zones differs. */
async function moved(stage: Stage, set: SetOptions, labels?: Record<string, string>): Promise<void> {
  await stage.readySet(set);
  await stage.retain(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName));
  await stage.prepare(0, { storageClass: typeof set.storageClass === 'string' ? set.storageClass : 'waits', ...(labels === undefined ? {} : { labels }) });
  await stage.replaceGated(0);
  const old = stage.volumeNamed(stage.claimOf(0)?.spec.volumeName);
  stage.rules.steered.set(claimName(0), stage.own('new'));
  await stage.deleteClaim(claimName(0));
  await stage.createClaim(claimName(0), { storageClass: set.storageClass ?? 'waits' });
  await stage.untilBound(claimName(0));
  await stage.untilPhase(old, 'Released');
  await stage.ungateInCalm(0);
}

function reasonsOf(stage: Stage, pod: string): string[] {
  const condition = stage.podNamed(pod)?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const reasons = [...(condition?.message ?? '').matchAll(/\d+ (node\(s\) [^,.]*)/g)].map(([, reason = '']) => reason);
  // Nodes of other plays.
  return reasons.filter((reason) => !reason.includes('taint')).toSorted();
}

const PINNED = {
  'a label of the old zone on the volume': { facts: ['trap-6'], set: {}, labels: { [ZONE]: HOME } },
  'a label of the new zone on the volume': { facts: ['trap-6'], set: {}, labels: { [ZONE]: TARGET } },
  'a node selector for the old zone': { facts: ['pods-2'], set: { podSpec: { nodeSelector: { [ZONE]: HOME } } }, labels: undefined },
  'a node affinity for the old zone': {
    facts: ['pods-2'],
    set: { podSpec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values: [HOME] }] }] } } } } },
    labels: undefined,
  },
} satisfies Record<string, { facts: Scenario['facts']; set: SetOptions; labels: Record<string, string> | undefined }>;

const ZONES: Scenario[] = Object.entries(PINNED).map(
  ([what, { facts, set, labels }]): Scenario => ({
    name: `a moved pod with ${what}`,
    facts,
    async play(stage) {
      await moved(stage, set, labels);
      await stage.until('it is Ready, or says that it fits nowhere', () => stage.podState(0) === 'ready' || reasonsOf(stage, 'web-0').some((reason) => !reason.includes('PersistentVolumeClaims')));
      await stage.calm();
      stage.note('it is', stage.podState(0));
      stage.note('because', [...new Set(reasonsOf(stage, 'web-0'))]);
    },
  }),
);

const EPHEMERAL: Scenario[] = MODES.map((mode) => ({
  name: `a generic ephemeral volume of a gated pod (${mode})`,
  facts: ['claims-12', 'tried-binding-4'],
  async play(stage) {
    const template = { spec: { accessModes: ['ReadWriteOnce'], storageClassName: mode, resources: { requests: { storage: '20Gi' } } } };
    await stage.createPod('one', [], { schedulingGates: [{ name: 'test/gate' }], volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: template } }] });
    await stage.until('its claim is there', () => stage.claim('one-scratch') !== undefined);
    if (mode === 'at-once') await stage.untilBound('one-scratch');
    await stage.calm();
    stage.note('behind the gate', stage.bindingOf(stage.claim('one-scratch')));
    await stage.world.api.jsonPatch(pods, stage.ref('one'), [{ op: 'remove', path: '/spec/schedulingGates' }]);
    await stage.untilPodNamed('one', 'ready');
    await stage.world.api.delete(pods, stage.ref('one'));
    await stage.until('its claim goes with it', () => stage.claim('one-scratch') === undefined && stage.volumes().length === 0);
  },
  tells: ['pod', 'claim'],
}));

const PLACEHOLDER: Scenario[] = (['PreemptLowerPriority', 'Never'] as const).map((preemptionPolicy) => ({
  name: `a placeholder and the pod that loses its gate (${preemptionPolicy})`,
  facts: ['tried-preemption-1'],
  async play(stage) {
    const node = await stage.addNode('small', { capacity: { cpu: '2' } });
    const low = stage.own('low');
    const high = stage.own('high');
    const classes = { group: 'scheduling.k8s.io', version: 'v1', plural: 'priorityclasses', kind: 'PriorityClass', namespaced: false };
    await stage.world.api.create(classes, { metadata: { name: low }, value: -10, preemptionPolicy: 'Never' });
    await stage.world.api.create(classes, { metadata: { name: high }, value: 0, preemptionPolicy });
    // The API server's own cache shows the classes a moment later.
    await stage.calm();
    const container = { containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: '1500m' } } }] };
    await stage.createPod('placeholder', [], { ...container, ...stage.onNode(node), priorityClassName: low });
    await stage.untilPodNamed('placeholder', 'ready');
    await stage.createPod('one', [], { ...container, ...stage.onNode(node), priorityClassName: high, schedulingGates: [{ name: 'test/gate' }] });
    await stage.calm();
    await stage.world.api.jsonPatch(pods, stage.ref('one'), [{ op: 'remove', path: '/spec/schedulingGates' }]);
    if (preemptionPolicy === 'Never') {
      await stage.calm();
      stage.note('meanwhile', stage.podNamed('placeholder')?.metadata.deletionTimestamp === undefined ? 'the placeholder stays' : 'the placeholder goes');
      await stage.world.api.delete(pods, stage.ref('placeholder'));
    }
    await stage.untilPodNamed('one', 'ready');
  },
  // An ended one takes no room, even before it is gone.
  order: [['pod placeholder#1: terminating', 'pod one#1: scheduled']],
}));

const FIRST_CONSUMER: Scenario[] = [1, 2].map((count) => ({
  name: `a pod with ${count === 1 ? 'a claim' : 'two claims'} that waited for it gets what its class makes, where the class may make it`,
  facts: ['trap-2a', 'pods-1c'],
  async play(stage) {
    const names = Array.from({ length: count }, (_, index) => `data-${index}`);
    for (const name of names) await stage.createClaim(name);
    await stage.calm();
    stage.note('before', names.map((name) => stage.bindingOf(stage.claim(name))));
    await stage.createPod('one', names);
    await stage.untilPodNamed('one', 'ready');
    stage.note('then', names.map((name) => stage.bindingOf(stage.claim(name))));
    stage.note('it runs', stage.placeOf(stage.podNamed('one')));
    stage.note('its volumes are', stage.volumes().map((volume) => volumePhase(volume)));
  },
}));

export const SCHEDULING: readonly Scenario[] = [...ZONES, ...EPHEMERAL, ...PLACEHOLDER, ...FIRST_CONSUMER];
