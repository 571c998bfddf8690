// Records the corpus: `node test/admission/corpus/record.ts`. A webhook that allows everything stands on the real control plane where ours
// would; what its API server asks it while people and controllers do what our rules are about is kept byte for byte, one review a file,
// and the migrations that are in flight meanwhile in migrations.json. Run it again for another Kubernetes version, and look at the diff.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { renewed } from '../../../src/admission/certificates.ts';
import { freePorts } from '../../controlplane/ports.ts';
import { startControlPlane, type ControlPlane } from '../../controlplane/start.ts';
import { AGES_OF_A_SET, JANE, KRUISE_CRD, MIGRATION_STATUS, SET, SHOP, SMALL_SET, VOLUME } from './scene.ts';

const FOLDER = join(import.meta.dirname, 'reviews');
const CRDS = new URL('../../../charts/zonespread/crds/', import.meta.url).pathname;

interface Asked {
  uid: string;
  operation: string;
  subResource?: string;
  kind: { kind: string };
  userInfo: { username: string };
}

/** What came in, by what tells reviews apart. */
class Recorder {
  readonly reviews = new Map<string, string>();
  /** What is going on: goes into the names of the files. */
  chapter = '';

  note(body: string): string {
    const { request } = JSON.parse(body) as { request: Asked };
    const who = request.userInfo.username === JANE ? 'jane' : (request.userInfo.username.split(':').at(-1) ?? '');
    const what = [request.operation.toLowerCase(), request.kind.kind.toLowerCase(), request.subResource].filter(Boolean).join('-');
    // Controllers repeat themselves; the first of a kind is kept.
    const name = `${this.chapter}--${what}--${who}.json`;
    if (!this.reviews.has(name)) this.reviews.set(name, body);
    return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: request.uid, allowed: true } });
  }
}

async function listen(recorder: Recorder): Promise<{ port: number; bundle: string; close: () => void }> {
  const made = await renewed(undefined, ['127.0.0.1'], Date.now());
  const [port = 0] = await freePorts(1);
  const server = createServer({ cert: made.certificate, key: made.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(recorder.note(Buffer.concat(chunks).toString()));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    bundle: made.bundle,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function configuration(port: number, bundle: string): string {
  const rule = (apiGroups: string[], resources: string[]): object => ({ operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups, apiVersions: ['*'], resources });
  return JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'recorder' },
    webhooks: [
      {
        name: 'recorder.zonespread.io',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(bundle).toString('base64') },
        rules: [
          rule(['apps', 'apps.kruise.io'], ['statefulsets', 'statefulsets/scale']),
          rule([''], ['pods', 'persistentvolumeclaims', 'persistentvolumeclaims/status', 'persistentvolumes', 'persistentvolumes/status', 'namespaces']),
          rule(['zonespread.io'], ['ordinalmigrations', 'ordinalmigrations/status']),
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
}

async function record(plane: ControlPlane, recorder: Recorder): Promise<string> {
  const jane = (...args: string[]): Promise<string> => plane.kubectl(['--kubeconfig', plane.kubeconfigOf(JANE), ...args]);
  const given = (object: object): Promise<string> => plane.kubectl(['--kubeconfig', plane.kubeconfigOf(JANE), 'create', '-f', '-'], JSON.stringify(object));
  const until = async (what: string, ...args: string[]): Promise<void> => void (await plane.kubectl(['wait', '--timeout=30s', `--for=${what}`, '-n', SHOP, ...args]));
  const chapter = async (name: string, story: () => Promise<unknown>): Promise<void> => {
    recorder.chapter = name;
    await story();
  };

  await chapter('birth', async () => {
    await given({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SHOP } });
    await given({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'essd' }, provisioner: 'diskplugin.csi.alibabacloud.com', allowVolumeExpansion: true, volumeBindingMode: 'WaitForFirstConsumer' });
    await given(VOLUME('d-old'));
    await given(SET);
    await given(SMALL_SET);
    await until('create', 'pod/web-5');
    await until('jsonpath={.status.phase}=Bound', 'pvc/data-web-2');
  });
  await chapter('record', async () => {
    await given({ apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', metadata: { name: 'web-2-bcdfg', namespace: SHOP, finalizers: ['zonespread.io/migration'] }, spec: { statefulSetRef: { name: 'web' }, ordinal: 2, targetZone: 'b', reason: 'Spread' } });
    const uidOf = (...object: string[]): Promise<string> => plane.kubectl(['get', ...object, '-o', 'jsonpath={.metadata.uid}']);
    const [claimUID, pvUID] = [await uidOf('pvc', 'data-web-2', '-n', SHOP), await uidOf('pv', 'd-old')];
    await jane('patch', 'om', 'web-2-bcdfg', '-n', SHOP, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: MIGRATION_STATUS({ claimUID, pvUID }) }));
    const uid = await uidOf('om', 'web-2-bcdfg', '-n', SHOP);
    for (const object of [['pv', 'd-old'], ['pvc', 'data-web-2', '-n', SHOP]]) await jane('label', ...object, `zonespread.io/migration=${uid}`, 'zonespread.io/role=source');
    await given({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-2-probe-bcdfg', namespace: SHOP, labels: { 'zonespread.io/probe': uid } }, spec: { containers: [{ name: 'main', image: 'none' }] } });
    await given({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data-web-2-probe-bcdfg', namespace: SHOP, labels: { 'zonespread.io/probe': uid } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
    await jane('delete', 'pod', 'web-2-probe-bcdfg', '-n', SHOP, '--now');
    await jane('delete', 'pvc', 'data-web-2-probe-bcdfg', '-n', SHOP);
  });
  const migrations = await plane.kubectl(['get', 'om', '-A', '-o', 'json']);

  for (const { name, commands } of AGES_OF_A_SET) {
    await chapter(name, async () => {
      for (const command of commands) await jane(...command);
    });
  }
  await chapter('recreated', async () => {
    await until('create', 'pod/web-2');
    await until('jsonpath={.metadata.deletionTimestamp}', 'om/web-2-bcdfg');
    await jane('delete', 'namespace', SHOP, '--wait=false');
    await jane('patch', 'om', 'web-2-bcdfg', '-n', SHOP, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await plane.kubectl(['wait', '--timeout=60s', '--for=delete', `namespace/${SHOP}`]);
  });
  return migrations;
}

const recorder = new Recorder();
const plane = await startControlPlane({ users: [{ name: JANE, groups: ['system:masters'] }] });
const listening = await listen(recorder);
try {
  const kinds = ['ordinalmigrations', 'spreadreports', 'zoneevacuations'];
  await plane.kubectl(['apply', '--server-side', ...kinds.flatMap((kind) => ['-f', `${CRDS}${kind}.yaml`])]);
  await plane.kubectl(['create', '-f', '-'], JSON.stringify(KRUISE_CRD));
  await plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  await plane.kubectl(['create', '-f', '-'], configuration(listening.port, listening.bundle));
  // The API server asks from its next look at its configurations on: a namespace that nobody needs shows that it has looked.
  recorder.chapter = 'wait';
  for (let round = 0; recorder.reviews.size === 0 && round < 100; round++) await plane.kubectl(['label', 'namespace', 'default', `round=${round}`, '--overwrite']);
  recorder.reviews.clear();
  const migrations = JSON.parse(await record(plane, recorder)) as { items: object[] };
  await mkdir(FOLDER, { recursive: true });
  for (const name of await readdir(FOLDER)) await rm(join(FOLDER, name));
  for (const [name, review] of recorder.reviews) await writeFile(join(FOLDER, name), review);
  await writeFile(join(import.meta.dirname, 'migrations.json'), `${JSON.stringify(migrations.items, undefined, 1)}\n`);
  process.stdout.write(`${recorder.reviews.size} reviews\n`);
} finally {
  await plane.stop();
  listening.close();
}
