// What the API server and its admission refuse, and what they let pass.

import { claims, namespaces, pods, resourceQuotas, statefulSets, volumes } from '../../../src/kubernetes/objects.ts';
import { LOOKED_AT } from '../interception.ts';
import type { Scenario } from '../scenario.ts';
import { podName, type Stage } from '../stage.ts';
import { HOME, TARGET } from '../world.ts';

const LIMITS = { group: '', version: 'v1', plural: 'limitranges', kind: 'LimitRange', namespaced: true };
const ZONE = 'topology.kubernetes.io/zone';

const rehearsed = (stage: Stage, name: string, size = '20Gi'): Promise<string> => stage.answer(stage.world.api.create(claims, stage.claimSpec(name, { size }), { dryRun: true }));
const made = (stage: Stage, name: string, size = '20Gi'): Promise<string> => stage.answer(stage.world.api.create(claims, stage.claimSpec(name, { size })));

const QUOTA: Scenario = {
  name: 'a quota of one claim refuses the next one until the last one is counted as gone',
  facts: ['trap-13a'],
  async play(stage) {
    const used = (): string | undefined => stage.get(resourceQuotas, 'one')?.status?.used?.['persistentvolumeclaims'];
    await stage.world.api.create(resourceQuotas, { metadata: stage.ref('one'), spec: { hard: { persistentvolumeclaims: '1', 'requests.storage': '30Gi' } } });
    await stage.until('the quota counts', () => used() === '0');
    await stage.createClaim('first');
    await stage.until('the claim is counted', () => used() === '1');
    stage.note('rehearsed', await rehearsed(stage, 'second'));
    stage.note('made', await made(stage, 'second'));
    await stage.deleteClaim('first');
    await stage.until('it is counted as gone', () => used() === '0');
    stage.note('rehearsed then', await rehearsed(stage, 'second'));
    stage.note('too big', await made(stage, 'second', '40Gi'));
    await stage.untilAccepted(() => made(stage, 'second'));
  },
};

const LIMIT: Scenario = {
  name: 'a LimitRange refuses claims out of its bounds',
  facts: ['trap-13b'],
  async play(stage) {
    await stage.world.api.create(LIMITS, { metadata: stage.ref('sizes'), spec: { limits: [{ type: 'PersistentVolumeClaim', min: { storage: '10Gi' }, max: { storage: '30Gi' } }] } });
    await stage.calm();
    stage.note('rehearsed', await rehearsed(stage, 'big', '40Gi'));
    stage.note('too big', await made(stage, 'big', '40Gi'));
    stage.note('too small', await made(stage, 'small', '5Gi'));
    stage.note('within', await made(stage, 'data'));
  },
};

const ENDING: Scenario = {
  name: 'a namespace that is being deleted takes no new claim',
  facts: ['trap-13c'],
  async play(stage) {
    await stage.create(pods, { metadata: { ...stage.ref('held'), finalizers: ['test/held'] }, spec: { containers: [{ name: 'app', image: 'app:1' }], schedulingGates: [{ name: 'test/gate' }] } });
    await stage.world.api.delete(namespaces, { name: stage.namespace });
    stage.note('rehearsed', await rehearsed(stage, 'data'));
    stage.note('made', await made(stage, 'data'));
    await stage.world.api.mergePatch(pods, stage.ref('held'), { metadata: { finalizers: null } });
    await stage.until('the namespace is gone', () => stage.get(namespaces, stage.namespace) === undefined);
    stage.note('made afterwards', await made(stage, 'data'));
  },
};

const LABELLED: Scenario = {
  name: 'a namespace that is labelled is looked at by the webhook a moment later, and stays so',
  facts: ['trap-12'],
  async play(stage) {
    const { api, clock, patienceMs } = stage.world;
    const name = stage.own('labelled');
    await api.create(namespaces, { metadata: { name } });
    stage.world.interception.rulesOf(name).gated.add('probe');
    const probe = { metadata: { name: 'probe', namespace: name }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
    const isGated = async (): Promise<boolean> => ((await api.create(pods, probe, { dryRun: true, freshConnection: true })).spec.schedulingGates ?? []).length > 0;
    // Its service account comes a moment later.
    await stage.untilAccepted(() => stage.answer(api.create(pods, probe, { dryRun: true })));
    stage.note('before', await isGated());
    await api.mergePatch(namespaces, { name }, { metadata: { labels: LOOKED_AT } });
    const deadline = clock.monotonic() + patienceMs;
    while (!(await isGated()) && clock.monotonic() < deadline) await clock.sleep(10);
    const after: boolean[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) after.push(await isGated());
    stage.note('after', after);
  },
};

const GATES: Scenario = {
  name: 'gates come only with the pod, and a gated pod can only be pinned down further',
  facts: ['pods-1a', 'pods-1b', 'pods-1c'],
  async play(stage) {
    const { api } = stage.world;
    const patch = (name: string, spec: object) => stage.answer(api.mergePatch(pods, stage.ref(name), { spec }));
    await stage.createClaim('data');
    await stage.createPod('one', ['data'], { schedulingGates: [{ name: 'test/gate' }], nodeSelector: { [ZONE]: TARGET } });
    const condition = (name: string) => stage.podNamed(name)?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    await stage.until('it says that it is gated', () => condition('one') !== undefined);
    stage.note('its condition', { status: condition('one')?.status, reason: condition('one')?.reason });
    stage.note('another gate', await patch('one', { schedulingGates: [{ name: 'test/gate' }, { name: 'test/second' }] }));
    stage.note('one more selector', await patch('one', { nodeSelector: { one: 'more' } }));
    stage.note('another zone', await patch('one', { nodeSelector: { [ZONE]: HOME } }));
    stage.note('no zone', await patch('one', { nodeSelector: { [ZONE]: null } }));
    await stage.createPod('two', [], { nodeSelector: { nowhere: 'yes' } });
    stage.note('a gate on one that has none', await patch('two', { schedulingGates: [{ name: 'test/gate' }] }));
    stage.note('a selector on one that has no gate', await patch('two', { nodeSelector: { one: 'more' } }));
    stage.note('the gate taken off', await patch('one', { schedulingGates: null }));
    await stage.until('it says that it fits nowhere', () => condition('one')?.reason === 'Unschedulable');
  },
};

const IMMUTABLE: Scenario = {
  name: 'claim templates, node affinities and long labels',
  facts: ['claims-9a', 'claims-9b', 'claims-13'],
  async play(stage) {
    const { api } = stage.world;
    await stage.createSet({ replicas: 0 });
    const { volumeClaimTemplates = [] } = stage.set?.spec ?? {};
    const grown = structuredClone(volumeClaimTemplates);
    for (const { spec } of grown) spec.resources = { requests: { storage: '40Gi' } };
    stage.note('other claim templates', await stage.answer(api.mergePatch(statefulSets, stage.ref('web'), { spec: { volumeClaimTemplates: grown } })));
    // Of a class of its own: nobody else is to find it.
    await stage.createVolume('new', { storageClass: stage.own('none') });
    const elsewhere = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values: [HOME] }] }] } };
    stage.note('another zone for a volume', await stage.answer(api.mergePatch(volumes, { name: stage.own('new') }, { spec: { nodeAffinity: elsewhere } })));
    stage.note('another disk for a volume', await stage.answer(api.mergePatch(volumes, { name: stage.own('new') }, { spec: { csi: { volumeHandle: 'd-other' } } })));
    const long = 'a'.repeat(64);
    stage.note('a long name', await stage.answer(api.create(claims, stage.claimSpec(`data-${long}`), { dryRun: true })));
    stage.note('a long label', await stage.answer(api.create(claims, { ...stage.claimSpec('data'), metadata: { ...stage.ref('data'), labels: { claim: long } } }, { dryRun: true })));
    stage.note('a long pod', await stage.answer(stage.create(pods, { metadata: { ...stage.ref(`${podName(0)}-${long}`) }, spec: { containers: [{ name: 'app', image: 'app:1' }], schedulingGates: [{ name: 'test/gate' }] } })));
  },
  tells: ['claim'],
};

export const REFUSING: readonly Scenario[] = [QUOTA, LIMIT, ENDING, LABELLED, GATES, IMMUTABLE];
