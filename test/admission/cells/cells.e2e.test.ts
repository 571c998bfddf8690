// The same table on the real API server, under every actor's name: policies alone, both, the webhook alone. A sample by seed
// (ZONESPREAD_SEED), with ZONESPREAD_E2E_FULL=1 all of it. No controller runs: what is there stays as it is.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runWebhook, type RunningWebhook, type WebhookOptions } from '../../../src/admission/webhook.ts';
import type { Api } from '../../../src/kubernetes/api.ts';
import { createApi } from '../../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../../src/kubernetes/config.ts';
import { claims, leases, namespaces, nodes, pods, statefulSets, storageClasses, volumes, type KubernetesObject, type Resource } from '../../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../../src/migration/record.ts';
import { spreadReports } from '../../../src/controller/spread-report.ts';
import { zoneEvacuations } from '../../../src/controller/zone-evacuation.ts';
import { freePorts, giveBack } from '../../controlplane/ports.ts';
import { startControlPlane, type ControlPlane } from '../../controlplane/start.ts';
import { FakeLog } from '../../fakes/log.ts';
import { onLoopback, webhookOptions } from '../webhook-options.ts';
import { ACTORS, OWN_NAMESPACE, PERHAPS } from './actors.ts';
import { nameOf } from './acts.ts';
import { renderedPolicies } from './policies.ts';
import { Requests, type Answer } from './requests.ts';
import { Stage, STATES, ZONES, type State } from './stage.ts';
import { cells, fits, isImpossible, KUBERNETES_REFUSES, lineFor, POLICIES_ALONE, TABLE, type Cell, type Verdict } from './table.ts';

const FULL = process.env['ZONESPREAD_E2E_FULL'] === '1';
const SEED = process.env['ZONESPREAD_SEED'] ?? '6';
const SAMPLE = 300;
/** Of each mode. */
const PATIENCE_MS = FULL ? 1_800_000 : 240_000;
const WAIT = { timeout: 15_000, interval: 100 };
const CRDS = new URL('../../../charts/zonespread/crds/', import.meta.url).pathname;

let plane: ControlPlane;
let port: number;
let connection: ClusterConnection;
let admin: Api;
let requests: Requests;
let complaints: string[];
const stages = new Map<State, Stage>();
const log = new FakeLog();

beforeAll(async () => {
  plane = await startControlPlane();
  [port = 0] = await freePorts(1);
  connection = loadCluster({ kubeconfig: plane.kubeconfig });
  admin = createApi({ http: connection.http, userAgent: 'test-cells' });
  requests = new Requests(plane);
  const kinds = ['ordinalmigrations', 'spreadreports', 'zoneevacuations'];
  await plane.kubectl(['apply', '--server-side', ...kinds.flatMap((kind) => ['-f', `${CRDS}${kind}.yaml`])]);
  await plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...kinds.map((kind) => `crd/${kind}.zonespread.io`)]);
  // Whether an actor's roles allow it is not the question here.
  await plane.kubectl(['create', 'clusterrolebinding', 'everybody', '--clusterrole=cluster-admin', '--group=system:authenticated']);
  await admin.create(namespaces, { metadata: { name: OWN_NAMESPACE } });
  await admin.create(storageClasses, { metadata: { name: 'cells' }, provisioner: 'diskplugin.csi.alibabacloud.com', allowVolumeExpansion: true, volumeBindingMode: 'WaitForFirstConsumer' });
  for (const zone of ZONES) await admin.create(nodes, { metadata: { name: `node-${zone}`, labels: { 'topology.kubernetes.io/zone': zone } }, spec: {} });
  complaints = await complaintsAboutTypes();
  for (const name of ['kube-controller-manager', 'kube-scheduler'] as const) await plane.programs.get(name)?.stop();
  for (const state of STATES) stages.set(state, await furnish(state));
});

const FOLDERS = ['validating', 'mutating'] as const;
const everyPolicy = (verb: 'apply' | 'delete'): Promise<string> => plane.kubectl([verb, '-f', '-'], FOLDERS.flatMap(renderedPolicies).join('\n---\n'));

interface Checked {
  metadata: { name: string; generation: number };
  status?: { observedGeneration?: number; typeChecking?: { expressionWarnings?: { fieldRef: string; warning: string }[] } };
}

/** What the controller manager, which checks them against the kinds that they are about, has to say of each policy; it runs for this only. */
async function complaintsAboutTypes(): Promise<string[]> {
  await everyPolicy('apply');
  const read = async (): Promise<Checked[]> => (JSON.parse(await plane.kubectl(['get', 'validatingadmissionpolicies', '-o', 'json'])) as { items: Checked[] }).items;
  const checked = await vi.waitFor(async () => {
    const items = await read();
    expect(items.length).toBeGreaterThan(8);
    expect(items.filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation)).toEqual([]);
    return items;
  }, WAIT);
  await everyPolicy('delete');
  return checked.flatMap(({ metadata, status }) => (status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => `${metadata.name} ${fieldRef}: ${warning}`));
}

afterAll(async () => {
  await requests?.close();
  await connection?.close();
  await plane?.stop();
  giveBack([port]);
});

/** Makes what is in the state, in an order in which each can know the UIDs of the others. */
async function furnish(state: State): Promise<Stage> {
  const uids = new Map<string, string>();
  const stage = new Stage(state, (key) => uids.get(key) ?? `uid-${key}`);
  const make = async <T extends KubernetesObject>(resource: Resource<T>, key: string, object: T): Promise<void> => {
    const { uid: _mine, deletionTimestamp: _later, ...metadata } = object.metadata;
    uids.set(key, (await admin.create(resource, { ...object, metadata })).metadata.uid ?? '');
  };
  await make(namespaces, 'namespace', stage.namespaceObject());
  await make(statefulSets, 'set', stage.set());
  for (const record of stage.records()) await make(ordinalMigrations, `record-${record.spec.ordinal}`, record);
  for (const ordinal of [2, 3]) await make(claims, `claim-${ordinal}`, stage.claim(ordinal));
  for (const volume of stage.volumes()) await make(volumes, volume.metadata.labels?.['cells/is'] ?? '', volume);
  await make(pods, 'pod', stage.pod(2));
  await make(spreadReports, 'report', stage.report());
  await make(zoneEvacuations, 'evacuation', stage.evacuation() as never);
  for (const { metadata: { name }, status } of stage.records()) await admin.mergePatch(ordinalMigrations, { namespace: stage.namespace, name }, { status }, { subresource: 'status' });
  for (const ordinal of [2, 3]) await admin.mergePatch(claims, { namespace: stage.namespace, name: `data-web-${ordinal}` }, { status: { phase: 'Bound', capacity: { storage: '30Gi' } } }, { subresource: 'status' });
  if (state === 'terminating') await admin.delete(namespaces, { name: stage.namespace });
  return stage;
}

type Mode = 'policies' | 'both' | 'webhook';
type Outcome = 'refused by us' | 'refused by Kubernetes' | 'gated' | 'steered' | 'warned' | 'allowed' | 'broken';

const OURS = /admission webhook "[\w.-]+\.zonespread\.io" denied|ValidatingAdmissionPolicy 'zonespread-/;

function outcomeOf(cell: Cell, answer: Answer): Outcome {
  if (OURS.test(answer.message)) return 'refused by us';
  if (/failed calling webhook|failed to configure|resulted in error/.test(answer.message)) return 'broken';
  if (answer.status >= 400) return 'refused by Kubernetes';
  const spec = answer.object?.spec as { schedulingGates?: { name: string }[]; volumeName?: string } | undefined;
  if (cell.act.verb === 'create' && cell.act.object === 'moving pod' && spec?.schedulingGates?.some(({ name }) => name === 'zonespread.io/migrating') === true) return 'gated';
  if (cell.act.verb === 'create' && cell.act.object === 'moving claim' && spec?.volumeName === steeredTo(cell.state)) return 'steered';
  return answer.warnings.some((warning) => warning.includes('zonespread')) ? 'warned' : 'allowed';
}

function steeredTo(state: State): string {
  return stages.get(state)!.volumeName(state === 'after the swap' || state === 'frozen' ? 'target' : 'source', 1);
}

const OUTCOMES: Record<string, Outcome> = { refuse: 'refused by us', warn: 'warned', gate: 'gated', steer: 'steered', allow: 'allowed' };

/** Undefined: not a question for this mode. */
function expectedOf(cell: Cell, mode: Mode): Outcome | undefined {
  const verdict = lineFor(cell)?.verdict ?? 'allow';
  const byWebhook = OUTCOMES[verdict.split(':')[0] ?? ''];
  if (mode === 'webhook') return byWebhook;
  const alone = aloneOf(cell, verdict);
  if (alone === undefined) return undefined;
  if (mode === 'policies') return alone;
  return alone === 'refused by us' ? alone : byWebhook;
}

function aloneOf(cell: Cell, verdict: Verdict): Outcome | undefined {
  const difference = POLICIES_ALONE.find((line) => fits(line, cell) && (line.of === undefined || line.of.test(verdict)));
  if (difference === undefined) return OUTCOMES[verdict.split(':')[0] ?? ''];
  if (difference.instead === 'not asked') return undefined;
  return difference.instead === 'refuse' ? 'refused by us' : 'allowed';
}

/** Of each line of the table some, then the others as the seed has it. */
function sampled(all: Cell[]): Cell[] {
  if (FULL) return all;
  const drawn = all.toSorted((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
  const ofEachLine = TABLE.flatMap((line) => drawn.filter((cell) => lineFor(cell) === line).slice(0, 4));
  return [...new Set([...ofEachLine, ...drawn])].slice(0, SAMPLE);
}

const digestOf = ({ by, act, state }: Cell): string => createHash('sha256').update(`${SEED} ${by} ${nameOf(act)} ${state}`).digest('hex');
const described = ({ by, act, state }: Cell): string => `${by}, ${state}, ${nameOf(act)}`;

async function play(mode: Mode, wanted: Cell[]): Promise<{ wrong: string[]; refused: number }> {
  const wrong: string[] = [];
  let refused = 0;
  const queue = wanted.values();
  const work = async (): Promise<void> => {
    for (const cell of queue) {
      const expected = expectedOf(cell, mode);
      if (expected === undefined) continue;
      const answer = await requests.send(cell, stages.get(cell.state)!);
      const outcome = outcomeOf(cell, answer);
      if (outcome === 'refused by us') refused += 1;
      if (outcome === expected || (outcome === 'refused by Kubernetes' && KUBERNETES_REFUSES.some((line) => fits(line, cell)))) continue;
      wrong.push(`${described(cell)}: ${outcome}, not ${expected} ${answer.message}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return { wrong, refused };
}

const POSSIBLE = cells().filter((cell) => !isImpossible(cell));
const DEDICATED = sampled(POSSIBLE.filter(({ by }) => !PERHAPS.includes(by)));
const SHARED = sampled(POSSIBLE.filter(({ by }) => PERHAPS.includes(by)));

const startWebhook = async (options: Partial<WebhookOptions>): Promise<RunningWebhook> => {
  const started = await runWebhook({ ...webhookOptions(connection, log), ...onLoopback(port), ownNamespace: OWN_NAMESPACE, ...options });
  await started.ready;
  return started;
};

/** What the API server learns by watching takes it a moment. */
async function untilInForce(mode: Mode, ...wanted: Cell[]): Promise<void> {
  await vi.waitFor(async () => expect((await play(mode, wanted)).wrong).toEqual([]), WAIT);
}

const cellOf = (by: Cell['by'], state: State, name: string): Cell => POSSIBLE.find((cell) => cell.by === by && cell.state === state && nameOf(cell.act) === name)!;
/** One for each entry, policy and cache. */
const SIGNS = [
  cellOf('person', 'before the swap', 'moving claim: delete: deletes it'),
  cellOf('person', 'before the swap', 'source volume: delete: deletes it'),
  cellOf('person', 'before the swap', 'moving pod: create: makes it again'),
  cellOf('person', 'before the swap', 'moving claim: create: makes it again'),
  cellOf('person', 'before the swap', 'StatefulSet: delete: deletes it'),
  cellOf('person', 'before the swap', 'OrdinalMigration: delete: deletes it'),
  cellOf('person', 'before the swap', 'Namespace: patch: takes our label off'),
  cellOf('person', 'before the swap', 'SpreadReport: status: writes its status'),
  cellOf('autoscaler', 'before the swap', 'Scale: scale: to nothing'),
  cellOf('person', 'none', 'StatefulSet: patch: declares a zone without nodes'),
  cellOf('person', 'none', 'kept volume: delete: deletes it'),
];

describe('policies alone', () => {
  beforeAll(async () => {
    await everyPolicy('apply');
    await untilInForce('policies', ...SIGNS);
  });

  test('fit the kinds that they are about', () => {
    expect(complaints).toEqual([]);
  });

  test('decide the cells', async () => {
    const { wrong, refused } = await play('policies', DEDICATED);
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(50);
  }, PATIENCE_MS);
});

/** `kubectl run`: a placeholder but for that. */
function madeAs(spec: object): string[] {
  const placeholder = {
    apiVersion: 'v1',
    metadata: { labels: { 'zonespread.io/role': 'placeholder', 'zonespread.io/migration': 'uid' } },
    spec: { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, runAsUser: 65_535 }, ...spec },
  };
  return ['run', 'mine', '--image=none', '-n', 'cells-before-the-swap', `--overrides=${JSON.stringify(placeholder)}`];
}

describe('policies alone, of what is not dry', () => {
  const as = (user: string, ...args: string[]): Promise<string> => plane.kubectl([`--as=${user}`, ...args]).catch((error: Error) => error.message);
  const daemon = ACTORS['our daemon'].user;
  const [idle, busy] = ['cells-none', 'cells-before-the-swap'];
  const callIt = (phase: string): Promise<unknown> => admin.mergePatch(volumes, { name: 'before-the-swap-source-2' }, { status: { phase } }, { subresource: 'status' });
  beforeAll(() => callIt('Bound'));
  afterAll(async () => {
    await callIt('Released');
    requests.forget();
  });

  test.each([
    ['delete a claim where nothing is in flight', ['delete', 'pvc', 'data-web-3', '-n', idle], 'only in namespaces labelled zonespread.io/in-flight'],
    ['delete a pod where nothing is in flight', ['delete', 'pod', 'web-2', '-n', idle], 'only in namespaces labelled zonespread.io/in-flight'],
    ['make a pod', ['run', 'mine', '--image=none', '-n', busy], 'makes no pods but dry runs and placeholders'],
    ['make a placeholder that is told a Secret', madeAs({ containers: [{ name: 'mine', image: 'none', env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'words', key: 'word' } } }] }] }), 'told nothing out of a Secret'],
    ['make a placeholder that runs as root', madeAs({ containers: [{ name: 'mine', image: 'none', securityContext: { runAsUser: 0, runAsNonRoot: false } }] }), 'run nothing as root'],
    ['make a placeholder that begins as root', madeAs({ initContainers: [{ name: 'first', image: 'none', securityContext: { runAsUser: 0 } }] }), 'run nothing as root'],
    ['change what a pod runs', ['set', 'image', 'pod/web-2', '*=another', '-n', busy], 'what the pod runs, and the gates of others, stay'],
    ['delete a volume that is not ours', ['delete', 'pv', 'none-source-3'], 'only volumes that are part of a move'],
    ['delete a volume that is bound', ['delete', 'pv', 'before-the-swap-source-2'], 'deletes no volume that is bound'],
    ['delete a namespace', ['delete', 'ns', idle], 'writes nothing of a namespace but its label'],
    ['scale a set', ['scale', 'sts', 'web', '-n', busy, '--replicas=9'], 'never writes a StatefulSet'],
  ])('our own account cannot %s', async (_what, args, said) => {
    expect(await as(daemon, ...args)).toContain(said);
  });

  test('our own account works where something is in flight', async () => {
    expect(await as(daemon, 'annotate', 'pvc', 'data-web-2', '-n', busy, 'zonespread.io/touched=now')).toContain('annotated');
    expect(await as(daemon, 'label', 'ns', idle, 'zonespread.io/in-flight=true')).toContain('labeled');
    expect(await as(daemon, 'label', 'ns', idle, 'zonespread.io/in-flight-')).toContain('unlabeled');
  });

  test.each([
    ['a claim', ['pvc', 'data-web-2', '-n', busy]],
    ['a volume', ['pv', 'before-the-swap-source-2']],
    ['the set', ['sts', 'web', '-n', busy]],
    ['the record', ['om', 'web-2-moving', '-n', busy]],
    ['a kind of ours', ['crd', 'ordinalmigrations.zonespread.io']],
  ])('an override lets a person at %s', async (_what, args) => {
    const name = args[0] === 'crd' ? args[1] : 'web-2-moving,web-1-moving';
    const tryIt = (): Promise<string> => as('jane', 'delete', ...args, '--dry-run=server');
    expect(await tryIt()).toContain('denied request');
    await as('jane', 'annotate', ...args, `zonespread.io/override=${name}`);
    const answer = await tryIt();
    await as('jane', 'annotate', ...args, 'zonespread.io/override-');
    expect(answer).toMatch(/deleted.*\(server dry run\)/);
  });
});

describe('both', () => {
  let webhook: RunningWebhook;
  beforeAll(async () => {
    webhook = await startWebhook({ controllerUser: ACTORS['our daemon'].user });
    await untilInForce('both', ...SIGNS);
  });
  afterAll(() => webhook?.close());

  test('decide the cells', async () => {
    const { wrong, refused } = await play('both', DEDICATED);
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(50);
  }, PATIENCE_MS);
});

describe('the webhook alone', () => {
  let webhook: RunningWebhook;
  beforeAll(async () => {
    await everyPolicy('delete');
    webhook = await startWebhook({ controllerUser: ACTORS['our daemon'].user });
    await untilInForce('webhook', ...SIGNS);
  });
  afterAll(() => webhook?.close());

  test('decides the cells', async () => {
    const { wrong, refused } = await play('webhook', DEDICATED);
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(50);
    expect(log.messages('error')).toEqual([]);
  }, PATIENCE_MS);
});

describe('the webhook, where the daemon shares its name with people', () => {
  let webhook: RunningWebhook;
  beforeAll(async () => {
    await admin.create(leases, { metadata: { name: 'zonespread', namespace: OWN_NAMESPACE, annotations: { 'zonespread.io/controller-user': ACTORS[PERHAPS[0]!].user } }, spec: {} });
    webhook = await startWebhook({});
    await untilInForce('webhook', cellOf('perhaps ourselves', 'before the swap', 'moving claim: delete: deletes it'), cellOf('perhaps ourselves', 'before the swap', 'OrdinalMigration: status: writes its status'));
  });
  afterAll(() => webhook?.close());

  test('decides the cells', async () => {
    expect((await play('webhook', SHARED)).wrong).toEqual([]);
  }, PATIENCE_MS);
});
