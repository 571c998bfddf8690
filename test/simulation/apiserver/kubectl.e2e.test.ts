// The real kubectl, asked the same of the simulated API server and of a real one: it must say the same of both. And what the simulated
// server knows of built-in kinds must be what the real one publishes. ZONESPREAD_RECORD=1 records the published schemas anew.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadCluster, type ClusterConnection } from '../../../src/kubernetes/config.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import type { Http } from '../../../src/ports/http.ts';
import { systemRandom } from '../../../src/ports/random.ts';
import { ADMIN, type ApiServer } from '../../../src/simulation/apiserver/contract.ts';
import { definitionKind } from '../../../src/simulation/apiserver/crd/definitions.ts';
import { BUILT_IN } from '../../../src/simulation/apiserver/kinds/built-in.ts';
import { kubeconfigOf, startApiServerListener, type ApiServerListener } from '../../../src/simulation/apiserver/listen.ts';
import { createApiServer } from '../../../src/simulation/apiserver/server.ts';
import { startControlPlane, type ControlPlane } from '../../controlplane/start.ts';
import type { Json } from './asker.ts';
import { builtInSchemas, DOCUMENTS } from './published-schemas.ts';
import { runAnyKubectl, type Said } from './run-kubectl.ts';
import { OUR_DEFINITIONS } from './simulated.ts';
import { SHOP, STATUSES } from './shop.ts';

const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';
const SCHEMAS = new URL('../../../src/simulation/apiserver/openapi/built-in.json', import.meta.url);

let plane: ControlPlane;
let connection: ClusterConnection;
let server: ApiServer;
let listener: ApiServerListener;
let folder: string;

interface Side {
  kubeconfig: string;
  cache: string;
}
let sides: { real: Side; simulated: Side };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zonespread-kubectl-'));
  plane = await startControlPlane();
  connection = loadCluster({ kubeconfig: plane.kubeconfig });
  server = createApiServer({ clock: systemClock, random: systemRandom, fieldOwnership: true });
  listener = await startApiServerListener({ server });
  const kubeconfig = join(folder, 'simulated.kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(listener.url));
  sides = { real: { kubeconfig: plane.kubeconfig, cache: join(folder, 'real') }, simulated: { kubeconfig, cache: join(folder, 'simulated') } };
  await done(['apply', '-f', '-'], yaml(OUR_DEFINITIONS));
  await done(['wait', '--for=condition=Established', 'crd', '--all']);
  await done(['apply', '-f', '-'], yaml(SHOP));
  for (const [object, status] of STATUSES) await done(['patch', ...object.split(' '), '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
  // What the controllers of the real one do meanwhile comes to what the statuses say.
  await done(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/data-web-0', 'pv/d-1', '-n', 'shop']);
  await done(['annotate', '--overwrite', 'pvc', 'data-web-0', '-n', 'shop', 'pv.kubernetes.io/bind-completed=yes']);
});

afterAll(async () => {
  await listener?.close();
  await connection?.close();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

function yaml(objects: object[]): string {
  // kubectl reads YAML 1.1, in which `yes` is no text.
  return objects.map((object) => stringify(object, { version: '1.1' })).join('---\n');
}

type Environment = Record<string, string>;

function ask(side: Side, args: string[], input: string | undefined, environment: Environment = {}): Promise<Said> {
  return runAnyKubectl({ kubectl: plane.binaries.kubectl, environment: { ...environment, KUBECONFIG: side.kubeconfig }, args: [`--cache-dir=${side.cache}`, ...args], input });
}

/** What kubectl says, to both alike. */
async function said(args: string[], input?: string, environment?: Environment): Promise<Said> {
  const [real, simulated] = await Promise.all([ask(sides.real, args, input, environment), ask(sides.simulated, args, input, environment)]);
  expect(comparable(simulated), `kubectl ${args.join(' ')}`).toEqual(comparable(real));
  return simulated;
}

/** Well, on both; in which words does not matter: a controller of the real one may have been faster. */
async function done(args: string[], input?: string): Promise<void> {
  for (const side of [sides.real, sides.simulated]) expect(await ask(side, args, input), `kubectl ${args.join(' ')}`).toMatchObject({ code: 0 });
}

/** Without what differs from run to run. Columns are as wide as what is in them, ages included. */
function comparable({ code, out, err }: Said): Said {
  const same = (text: string): string =>
    text
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]+ \+0000/g, '<time>')
      .replaceAll(/\b(\d+[smhd]){1,2}\b/g, '<age>')
      .replaceAll(/(resource ?version"?: +)"?\d+"?/gi, '$1<version>')
      .replaceAll(/https?:\/\/127\.0\.0\.1:\d+/g, '<server>')
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' ').trimEnd())
      .join('\n');
  return { code, out: same(out), err: same(err) };
}

async function json(http: Http, path: string, accept = 'application/json'): Promise<Json> {
  const response = await http.send({ method: 'GET', path, headers: { accept } });
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}

const rootOf = (group: string, version: string): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

describe('what the simulated server knows of built-in kinds is what the real one publishes', () => {
  it('schemas', async () => {
    const documents = await Promise.all(DOCUMENTS.map((document) => json(connection.http, `/openapi/v3/${document}`)));
    const published = `${JSON.stringify(builtInSchemas(documents)).replaceAll('},"io.k8s', '},\n"io.k8s')}\n`;
    if (process.env.ZONESPREAD_RECORD === '1') await writeFile(SCHEMAS, published);
    expect(await readFile(SCHEMAS, 'utf8')).toBe(published);
  });

  it.each([...BUILT_IN, definitionKind].map(({ resource }) => [resource.plural, resource] as const))('columns of %s', async (_name, { group, version, plural }) => {
    const columns = async (http: Http): Promise<unknown[]> => {
      const { columnDefinitions } = await json(http, `${rootOf(group, version)}/${plural}`, TABLE);
      return columnDefinitions.map(({ description: _description, ...column }: Json) => column);
    };
    expect(await columns(server.http(ADMIN))).toEqual(await columns(connection.http));
  });

  it.each(['/api', '/apis'])('resources under %s, in both forms of discovery', async (path) => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const groups = async (http: Http): Promise<Map<string, Json>> =>
      new Map(
        (await json(http, path, accept)).items.flatMap(({ metadata, versions }: Json) =>
          versions.flatMap(({ version, resources }: Json) => resources.map((resource: Json) => [`${metadata.name ?? ''}/${version}/${resource.resource}`, resource])),
        ),
      );
    const [real, simulated] = [await groups(connection.http), await groups(server.http(ADMIN))];
    expect(simulated.size).toBeGreaterThan(10);
    for (const [name, resource] of simulated) expect([name, offer(resource)]).toEqual([name, offer(real.get(name), resource)]);
  });

  it.each(['/api/v1', '/apis/apps/v1', '/apis/zonespread.io/v1alpha1'])('resources of %s, in the older form', async (path) => {
    const resources = async (http: Http): Promise<Map<string, Json>> => new Map((await json(http, path)).resources.map(({ storageVersionHash: _hash, ...resource }: Json) => [resource.name, resource]));
    const [real, simulated] = [await resources(connection.http), await resources(server.http(ADMIN))];
    for (const [name, resource] of simulated) expect(sorted(resource)).toEqual(sorted(real.get(name)));
  });
});

/** Of the parts, only those that the other server has: many are no business of the simulation. */
function offer(resource: Json, like: Json = resource): Json {
  const parts = new Set((like.subresources ?? []).map(({ subresource }: Json) => subresource));
  const subresources = (resource.subresources ?? []).filter(({ subresource }: Json) => parts.has(subresource)).map(({ acceptedTypes: _types, ...part }: Json) => sorted(part));
  return { ...sorted(resource), subresources: subresources.toSorted((a: Json, b: Json) => (a.subresource < b.subresource ? -1 : 1)) };
}

function sorted({ verbs, ...rest }: Json): Json {
  return { ...rest, verbs: verbs.toSorted() };
}

describe('kubectl get', () => {
  it.each(['pods', 'sts', 'pvc', 'pv', 'nodes', 'pdb', 'cm/settings', 'secrets', 'services', 'leases', 'volumeattachments', 'sc', 'csidrivers', 'priorityclass/important', 'validatingwebhookconfigurations', 'resourcequota', 'om', 'sr', 'ze', 'crd'])(
    '%s, narrow and wide',
    async (what) => {
      const shown = await said(['get', what, '-n', 'shop']);
      expect(shown.out.split('\n').length).toBeGreaterThan(2);
      await said(['get', what, '-n', 'shop', '-o', 'wide']);
      await said(['get', what, '-n', 'shop', '-o', 'name']);
    },
  );

  it('events, which the controllers of the real one write as well', async () => {
    const ours = ['get', 'events', '-n', 'shop', '--field-selector', 'reason=Started'];
    expect((await said(ours)).out).toContain('Started container web');
    await said([...ours, '-o', 'wide']);
  });

  it('selected by labels and fields, sorted, in all namespaces, with chosen columns', async () => {
    expect((await said(['get', 'po', '-A', '-l', 'app=shop', '--show-labels'])).out).toContain('web-0');
    expect((await said(['get', 'po', '-n', 'shop', '--field-selector', 'spec.nodeName=node-a', '-o', 'name'])).out).toBe('pod/web-0\n');
    await said(['get', 'po,sts,pvc', '-n', 'shop', '--sort-by=.metadata.name']);
    await said(['get', 'pvc', '-n', 'shop', '-o', 'custom-columns=NAME:.metadata.name,SIZE:.spec.resources.requests.storage']);
    await said(['get', 'sts', 'web', '-n', 'shop', '-o', 'jsonpath={.spec.template.spec.containers[*].name}']);
  });

  it('of what is not there', async () => {
    expect((await said(['get', 'pod', 'nobody', '-n', 'shop'])).err).toContain('pods "nobody" not found');
    expect((await said(['get', 'nothings'])).code).toBe(1);
    expect((await said(['get', 'pods', '-n', 'nowhere'])).err).toContain('No resources found in nowhere namespace');
  });
});

describe('kubectl describe', () => {
  it.each(['pod/web-0', 'statefulset/web', 'pvc/data-web-0', 'pv/d-1', 'storageclass/disk', 'pdb/web', 'spreadreport/web', 'ordinalmigration/web-0-b', 'configmap/settings'])('%s', async (what) => {
    expect((await said(['describe', what, '-n', 'shop', '--show-events=false'])).out).toContain('Name:');
  });

  it('a node, its pods and its events', async () => {
    const { out } = await ask(sides.simulated, ['describe', 'node', 'node-a'], undefined);
    expect(out).toMatch(/Ready +True/);
    expect(out).toMatch(/shop +web-0/);
  });

  it('the events of a pod', async () => {
    const { out: uid } = await ask(sides.simulated, ['get', 'pod', 'web-0', '-n', 'shop', '-o', 'jsonpath={.metadata.uid}'], undefined);
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-0', uid };
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'web-0.2', namespace: 'shop' }, involvedObject, type: 'Warning', reason: 'FailedMount', message: 'disk is elsewhere', count: 1, source: { component: 'kubelet' } };
    await ask(sides.simulated, ['create', '-f', '-'], yaml([event]));
    const { out } = await ask(sides.simulated, ['describe', 'pod', 'web-0', '-n', 'shop'], undefined);
    expect(out).toMatch(/Warning +FailedMount .*disk is elsewhere/);
  });
});

describe('kubectl changes', () => {
  const web = ['sts', 'web', '-n', 'shop'];
  const specOf = ['get', ...web, '-o', 'jsonpath={.metadata.annotations}{.spec}'];

  it('annotate and label', async () => {
    await said(['annotate', ...web, 'zonespread.io/zones=a,b']);
    expect((await said(['annotate', ...web, 'zonespread.io/zones=c'])).err).toContain('--overwrite is false');
    await said(['annotate', ...web, 'zonespread.io/zones=c', '--overwrite']);
    await said(['annotate', ...web, 'zonespread.io/zones-']);
    await said(['label', 'pod', 'web-0', '-n', 'shop', 'role=primary']);
    await said(['get', 'pod', 'web-0', '-n', 'shop', '-L', 'role']);
  });

  it('scale', async () => {
    const idle = ['sts', 'idle', '-n', 'shop'];
    await said(['scale', ...idle, '--replicas=0']);
    expect((await said(['scale', ...idle, '--current-replicas=3', '--replicas=0'])).code).toBe(1);
    await said(['scale', 'pods', 'web-0', '-n', 'shop', '--replicas=1']);
  });

  it.each([
    ['strategic', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"two"},{"name":"new","image":"x","env":[{"name":"A","value":"1"}]}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"new"},{"name":"web"},{"name":"side"}],"containers":[{"name":"new","image":"y"}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"containers":[{"name":"new","$patch":"delete"}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"volumes":[{"name":"v","configMap":{"name":"c"},"$retainKeys":["name","configMap"]}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"tolerations":[{"key":"a","operator":"Exists"}]}}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"tolerations":[{"key":"b","operator":"Exists"}]}}}}'],
    ['strategic', '{"metadata":{"finalizers":["zonespread.io/a","zonespread.io/b"]}}'],
    ['strategic', '{"metadata":{"$deleteFromPrimitiveList/finalizers":["zonespread.io/a","zonespread.io/b"]}}'],
    ['strategic', '{"spec":{"updateStrategy":{"$patch":"replace","type":"OnDelete"}}}'],
    ['strategic', '{"spec":{"template":{"spec":{"containers":[{"image":"nameless"}]}}}}'],
    ['merge', '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"three"}]}}}}'],
    ['json', '[{"op":"test","path":"/spec/replicas","value":7},{"op":"replace","path":"/spec/replicas","value":0}]'],
    ['json', '[{"op":"add","path":"/metadata/labels/x","value":"y"}]'],
  ])('%s patch %s', async (type, patch) => {
    await said(['patch', ...web, `--type=${type}`, '-p', patch]);
    await said(specOf);
  });

  it('strategic patch of a custom kind, which takes none', async () => {
    expect((await said(['patch', 'sr', 'web', '-n', 'shop', '--type=strategic', '-p', '{"metadata":{"labels":{"a":"b"}}}'])).code).toBe(1);
    await said(['patch', 'sr', 'web', '-n', 'shop', '--type=merge', '-p', '{"metadata":{"labels":{"a":"b"}}}']);
  });

  it('apply from the client: merges three ways', async () => {
    const manifest = (containers: object[]): object => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'applied', namespace: 'shop' },
      spec: { serviceName: 'applied', replicas: 0, selector: { matchLabels: { app: 'applied' } }, template: { metadata: { labels: { app: 'applied' } }, spec: { containers } } },
    });
    const spec = ['get', 'sts', 'applied', '-n', 'shop', '-o', 'jsonpath={.spec.template.spec.containers}'];
    const [one, two] = [{ name: 'one', image: 'a', env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }, { name: 'two', image: 'b' }];
    await said(['apply', '-f', '-'], yaml([manifest([one, two])]));
    expect((await said(['apply', '-f', '-'], yaml([manifest([one, two])]))).out).toContain('unchanged');
    await said(['set', 'env', 'sts/applied', '-n', 'shop', '-c', 'two', 'LATE=yes']);
    await said(['apply', '-f', '-'], yaml([manifest([{ ...two, image: 'c' }, { ...one, env: [{ name: 'B', value: '3' }] }])]));
    await said(spec);
    await said(['apply', '-f', '-'], yaml([manifest([one])]));
    await said(spec);
    await said(['diff', '-f', '-'], yaml([manifest([one])]));
  });

  it('create, replace and delete', async () => {
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made', namespace: 'shop' }, data: { a: 'b' } };
    await said(['create', '-f', '-'], yaml([settings]));
    expect((await said(['create', '-f', '-'], yaml([settings]))).err).toContain('already exists');
    await said(['replace', '-f', '-'], yaml([{ ...settings, data: { c: 'd' } }]));
    await said(['get', 'cm', 'made', '-n', 'shop', '-o', 'jsonpath={.data}']);
    await said(['delete', 'cm', 'made', '-n', 'shop']);
    expect((await said(['delete', 'cm', 'made', '-n', 'shop'])).err).toContain('not found');
    await said(['delete', 'cm', 'made', '-n', 'shop', '--ignore-not-found']);
  });

  it('nothing with a misspelt field', async () => {
    const wrong = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'wrong', namespace: 'shop' }, spec: { replica: 1, template: { spec: { containers: [{ name: 'a', imag: 'x' }] } } } };
    expect((await said(['create', '-f', '-'], yaml([wrong]))).err).toContain('unknown field "spec.replica"');
    expect((await said(['apply', '-f', '-'], yaml([{ apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'wrong' }, spec: { zone: 'b', zon: 'c' } }]))).err).toContain('unknown field "spec.zon"');
    // Of several the real one names any.
    const one = { ...wrong, spec: { replica: 1 } };
    expect((await said(['apply', '--server-side', '-f', '-'], yaml([one]))).err).toContain('.spec.replica: field not declared in schema');
    // Nor does it keep an order among them.
    const mistyped = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'wrong', namespace: 'shop' }, data: { b: true } };
    expect((await said(['apply', '--server-side', '-f', '-'], yaml([mistyped]))).err).toContain('.data.b: expected string');
  });

  it.each<[string, object]>([
    ['spec.replicas', { replicas: '2' }],
    ['spec.template.spec.containers', { template: { spec: { containers: { a: 'b' } } } }],
    ['spec.template.spec.containers.image', { template: { spec: { containers: [{ name: 'a', image: 1 }] } } }],
    ['spec.template', { template: 'x' }],
    ['spec.selector.matchLabels', { selector: { matchLabels: { a: true } } }],
  ])('nothing with something of another type in %s', async (_field, spec) => {
    const wrong = yaml([{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'wrong', namespace: 'shop' }, spec }]);
    expect((await said(['create', '-f', '-'], wrong)).err).toContain('cannot be handled as a StatefulSet: json: cannot unmarshal');
    expect((await ask(sides.simulated, ['patch', ...web, '-p', JSON.stringify({ spec })], undefined)).err).toContain('The request is invalid: patch: Invalid value');
  });

  it('what it knows of an object, with a warning for what it does not know', async () => {
    expect((await said(['patch', ...web, '-p', '{"spec":{"replica":"3"}}'])).err).toContain('Warning: unknown field "spec.replica"');
    const odd = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'odd', namespace: 'shop', lables: {} }, date: { a: 'b' } };
    expect((await said(['create', '--validate=warn', '-f', '-'], yaml([odd]))).err).toContain('Warning: unknown field "date"');
    expect((await said(['get', 'cm', 'odd', '-n', 'shop', '-o', 'jsonpath={.date}'])).out).toBe('');
  });

  it('by an editor', async () => {
    expect((await said(['edit', 'cm', 'settings', '-n', 'shop', '-o', 'json'], undefined, { KUBE_EDITOR: `sed -i -e 's/"a": "1"/"a": "edited"/'` })).out).toContain('edited');
    expect((await said(['get', 'cm', 'settings', '-n', 'shop', '-o', 'jsonpath={.data}'])).out).toBe('{"a":"edited"}');
  });

  it('but nothing that is sent in protobuf, and says what to do instead', async () => {
    expect((await ask(sides.simulated, ['create', 'namespace', 'another'], undefined)).err).toContain('--dry-run=client -o yaml | kubectl create -f -');
    const { out } = await ask(sides.simulated, ['create', 'namespace', 'another', '--dry-run=client', '-o', 'yaml'], undefined);
    expect(await ask(sides.simulated, ['create', '-f', '-'], out)).toMatchObject({ code: 0 });
  });

  it('with --dry-run=server, nothing', async () => {
    await said(['apply', '--dry-run=server', '-f', '-'], yaml([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dry', namespace: 'shop' } }]));
    expect((await said(['get', 'cm', 'dry', '-n', 'shop'])).code).toBe(1);
  });
});

describe('server-side apply', () => {
  const settings = (data: Record<string, string>, labels?: Record<string, string>): string =>
    yaml([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared', namespace: 'shop', ...(labels === undefined ? {} : { labels }) }, data }]);
  const shown = ['get', 'cm', 'shared', '-n', 'shop', '-o', 'jsonpath={.data}{.metadata.labels}'];
  const apply = (as: string, ...more: string[]): string[] => ['apply', '--server-side', `--field-manager=${as}`, ...more, '-f', '-'];

  it('makes, takes back, shares and refuses what others own', async () => {
    await said(apply('one'), settings({ a: '1', b: '2' }, { x: 'y' }));
    await said(apply('two'), settings({ a: '1', c: '3' }));
    const refused = await said(apply('two'), settings({ a: '9', b: '8' }));
    expect(refused.err).toContain('Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b');
    expect((await said(apply('two', '--force-conflicts'), settings({ a: '9' }))).code).toBe(0);
    expect((await said(shown)).out).toContain('"a":"9"');
    await said(apply('one'), settings({ b: '2' }));
    expect((await said(shown)).out).not.toContain('"x"');
  });

  it('knows who changed something by hand', async () => {
    await said(['patch', 'cm', 'shared', '-n', 'shop', '-p', '{"data":{"b":"by hand"}}']);
    expect((await said(apply('one'), settings({ b: '2' }))).err).toContain('Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.b');
    await said(['label', 'cm', 'shared', '-n', 'shop', 'x=z']);
    expect((await said(apply('one'), settings({ b: 'by hand' }, { x: 'y' }))).err).toContain('conflict with "kubectl-label" using v1: .metadata.labels.x');
  });

  it('of lists by their keys, and of replicas against scale', async () => {
    const set = (replicas: number, containers: object[]): string =>
      yaml([{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'ours', namespace: 'shop' }, spec: { serviceName: 'ours', replicas, selector: { matchLabels: { app: 'ours' } }, template: { metadata: { labels: { app: 'ours' } }, spec: { containers } } } }]);
    const [web, side] = [{ name: 'web', image: 'one', ports: [{ containerPort: 80 }] }, { name: 'side', image: 'x' }];
    const spec = ['get', 'sts', 'ours', '-n', 'shop', '-o', 'jsonpath={.spec.replicas}{.spec.template.spec.containers}'];
    await said(apply('one'), set(0, [web, side]));
    await said(['set', 'image', 'sts/ours', '-n', 'shop', 'web=other']);
    expect((await said(apply('one'), set(0, [web, side]))).err).toContain('.spec.template.spec.containers[name="web"].image');
    await said(apply('one', '--force-conflicts'), set(0, [web]));
    await said(spec);
    await said(['scale', 'sts', 'ours', '-n', 'shop', '--replicas=0', '--current-replicas=0']);
    await said(apply('one'), set(0, [{ ...web, image: 'two' }]));
    await said(spec);
  });

  it('takes over from apply by the client', async () => {
    const made = (data: object): string => yaml([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'moved', namespace: 'shop' }, data }]);
    await said(['apply', '-f', '-'], made({ a: '1', b: '2' }));
    await said(['apply', '--server-side', '-f', '-'], made({ a: '2' }));
    await said(['get', 'cm', 'moved', '-n', 'shop', '-o', 'jsonpath={.data}']);
  });

  it('of our own kinds', async () => {
    const evacuation = (spec: object): string => yaml([{ apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'by-apply', labels: { a: 'b' } }, spec }]);
    await said(apply('one'), evacuation({ zone: 'b' }));
    await said(apply('one'), evacuation({ zone: 'b' }));
    await said(['get', 'ze', 'by-apply', '-o', 'jsonpath={.spec}']);
  });
});

describe('kubectl and nodes', () => {
  it('cordons and uncordons', async () => {
    await said(['cordon', 'node-b']);
    expect((await ask(sides.simulated, ['get', 'node', 'node-b'], undefined)).out).toContain('SchedulingDisabled');
    await said(['uncordon', 'node-b']);
  });

  it('drains: evicts what it may, and waits for the rest', async () => {
    const drained = ask(sides.simulated, ['drain', 'node-a', '--force', '--ignore-daemonsets', '--timeout=20s'], undefined);
    const gone = ['delete', 'pod', 'web-0', '-n', 'shop', '--force', '--grace-period=0'];
    await expect.poll(async () => (await ask(sides.simulated, ['get', 'pod', 'web-0', '-n', 'shop'], undefined)).out, { timeout: 15_000 }).toContain('Terminating');
    await ask(sides.simulated, gone, undefined);
    expect(await drained).toMatchObject({ code: 0, out: expect.stringContaining('node/node-a drained') });
  });
});

describe('kubectl waits and tells', () => {
  it('rollout, wait, watch', async () => {
    await said(['rollout', 'restart', 'sts/idle', '-n', 'shop']);
    const rolled = ask(sides.simulated, ['rollout', 'status', 'sts/idle', '-n', 'shop', '--timeout=20s'], undefined);
    const { out: generation } = await ask(sides.simulated, ['get', 'sts', 'idle', '-n', 'shop', '-o', 'jsonpath={.metadata.generation}'], undefined);
    const status = { observedGeneration: Number(generation), replicas: 0, updatedReplicas: 0, readyReplicas: 0, currentRevision: 'r', updateRevision: 'r' };
    await ask(sides.simulated, ['patch', 'sts', 'idle', '-n', 'shop', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })], undefined);
    expect((await rolled).out).toContain('complete');
    await said(['wait', 'sts/idle', '-n', 'shop', '--for=jsonpath={.spec.replicas}=0', '--timeout=10s']);
    expect((await said(['wait', 'sts/idle', '-n', 'shop', '--for=jsonpath={.spec.replicas}=5', '--timeout=1s'])).code).toBe(1);
  });

  it('waits for what is being deleted', async () => {
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'waited-for', namespace: 'shop', finalizers: ['example.com/held'] } };
    await ask(sides.simulated, ['create', '-f', '-'], yaml([made]));
    const deleted = ask(sides.simulated, ['delete', 'cm', 'waited-for', '-n', 'shop', '--timeout=20s'], undefined);
    await expect.poll(async () => (await ask(sides.simulated, ['get', 'cm', 'waited-for', '-n', 'shop', '-o', 'jsonpath={.metadata.deletionTimestamp}'], undefined)).out, { timeout: 15_000 }).not.toBe('');
    await ask(sides.simulated, ['patch', 'cm', 'waited-for', '-n', 'shop', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'], undefined);
    expect(await deleted).toMatchObject({ code: 0, out: expect.stringContaining('deleted') });
  });

  it('watches a table as it changes', async () => {
    const watched = ask(sides.simulated, ['get', 'cm', 'settings', '-n', 'shop', '-w', '--request-timeout=3s', '--output-watch-events'], undefined);
    await ask(sides.simulated, ['get', 'cm', '-n', 'shop'], undefined);
    await ask(sides.simulated, ['patch', 'cm', 'settings', '-n', 'shop', '-p', '{"data":{"more":"1"}}'], undefined);
    expect((await watched).out).toMatch(/EVENT +NAME +DATA +AGE\nADDED +settings +1 +\w+\nMODIFIED +settings +2 /);
  });

  it('api-resources, api-versions, version, explain, whoami, can-i', async () => {
    expect((await said(['api-resources', '--api-group=zonespread.io'])).out).toContain('ordinalmigrations');
    await said(['api-resources', '--api-group=apps', '--namespaced', '-o', 'name', '--verbs=deletecollection']);
    expect((await ask(sides.simulated, ['api-versions'], undefined)).out).toContain('zonespread.io/v1alpha1');
    await said(['version']);
    await said(['explain', 'spreadreport.status.plan']);
    await said(['explain', 'om', '--recursive']);
    expect((await ask(sides.simulated, ['explain', 'sts.spec.template.spec.containers'], undefined)).out).toContain('imagePullPolicy');
    await said(['auth', 'can-i', 'delete', 'pods', '-n', 'shop']);
    expect((await ask(sides.simulated, ['auth', 'whoami'], undefined)).out).toContain('system:masters');
  });
});
