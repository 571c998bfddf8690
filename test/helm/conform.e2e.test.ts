// Everything that the chart makes, held by kubeconform against the schemas of Kubernetes. No cluster, though it is the OpenAPI of the real
// one: install.e2e.test.ts asks the API server itself, about fewer combinations.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import { COMBINATIONS } from './combinations.ts';
import { CHART, objectsIn, renderText } from './helm.ts';
import { conformity, NOT_OURS } from './kubeconform.ts';
import { writeSchemas } from './schemas.ts';

const schemas = mkdtempSync(join(tmpdir(), 'zonespread-schemas-'));
beforeAll(() => writeSchemas(schemas));
afterAll(() => rmSync(schemas, { recursive: true, force: true }));

describe('kubeconform finds nothing wrong with', () => {
  test.each(Object.entries(COMBINATIONS))('%s', async (_combination, values) => {
    const manifests = await renderText(values);
    const { problems, valid, skipped } = await conformity(manifests, schemas);
    expect(problems).toEqual([]);
    // Every object was looked at but theirs.
    const objects = objectsIn(manifests);
    expect(valid).toEqual(namesOf(objects.filter((object) => !isTheirs(object))));
    expect(skipped).toEqual(namesOf(objects.filter(isTheirs)));
  });

  test.each(readdirSync(`${CHART}/crds`))('the custom resource %s', async (file) => {
    const { problems, valid } = await conformity(readFileSync(`${CHART}/crds/${file}`, 'utf8'), schemas);
    expect(problems).toEqual([]);
    expect(valid).toEqual([`CustomResourceDefinition ${file.replace('.yaml', '.zonespread.io')}`]);
  });
});

test('what is skipped by its kind is in the chart', async () => {
  const { skipped } = await conformity(await renderText(COMBINATIONS.monitoring), schemas);
  expect(new Set(skipped.map((what) => what.split(' ')[0]))).toEqual(new Set(Object.keys(NOT_OURS).map((kind) => kind.split('/').at(-1))));
});

describe('kubeconform finds, in what it finds nothing wrong with,', () => {
  let asItIs: string;
  beforeAll(async () => {
    asItIs = await renderText(COMBINATIONS['as it is']);
  });

  test.each<[string, RegExp, string, RegExp]>([
    ['a misspelt field', /(?<=kind: Deployment[^]*?)terminationGracePeriodSeconds/, 'terminationGracePeriod', /^Deployment zonespread-controller: .*'\/spec\/template\/spec'.* additional properties 'terminationGracePeriod' not allowed/],
    ['a word for a number', /replicas: 2/, 'replicas: two', /^Deployment zonespread-controller: .*'\/spec\/replicas'.* got string, want integer/],
    ['a number for a word', /(?<=app\.kubernetes\.io\/version: )"0.*"/, '1', /^NetworkPolicy zonespread-controller: .*'\/metadata\/labels\/app\.kubernetes\.io~1version': got number, want string/],
    ['a field that is missing', /(?<=kind: ClusterRoleBinding[^]*?)roleRef: .*\n/, '', /^ClusterRoleBinding zonespread-controller: .*missing property 'roleRef'/],
    ['a quantity that is none', /256Mi/, '256MB', /^Deployment zonespread-controller: .*'\/spec\/template\/spec\/containers\/0\/resources\/requests\/memory'.* does not match pattern/],
    ['a key twice', /replicas: 2/, 'replicas: 2\n  replicas: 2', /^Deployment zonespread-controller: [^]*key "replicas" already set in map/],
    ['an unknown kind', /kind: PodDisruptionBudget/, 'kind: PodDisruptionBudgets', /^PodDisruptionBudgets zonespread-controller: could not find schema/],
    ['a version that is no longer served', /policy\/v1(?=\nkind: PodDisruptionBudget)/, 'policy/v1beta1', /^PodDisruptionBudget zonespread-controller: could not find schema/],
    ["a kind in somebody else's group", /apps\/v1(?=\nkind: Deployment)/, 'apps.example.com/v1', /^Deployment zonespread-controller: could not find schema/],
    ['a kind in lower case', /kind: Deployment/, 'kind: deployment', /^deployment zonespread-controller: .*'\/kind'.* value must be 'Deployment'/],
  ])('%s', async (_what, right, wrong, problem) => {
    expect((await conformity(broken(asItIs, right, wrong), schemas)).problems).toEqual([expect.stringMatching(problem)]);
  });

  test.each<[string, RegExp, string, RegExp]>([
    ['a misspelt field in a schema', /(?<=properties:[^]*?)minLength/, 'minLenght', /additional properties 'minLenght' not allowed/],
    ['one in the schema of what a list holds', /(?<=items:[^]*?properties:[^]*?)description/, 'descripton', /additional properties 'descripton' not allowed/],
    ['one in the schema of what a map holds', /(?<=additionalProperties:\n\s+)type/, 'typ', /additional properties 'typ' not allowed/],
    ['a wrong type', /served: true/, 'served: "yes"', /'\/spec\/versions\/0\/served'.* got string, want boolean/],
  ])('%s of a custom resource', async (_what, right, wrong, problem) => {
    const crd = readFileSync(`${CHART}/crds/ordinalmigrations.yaml`, 'utf8');
    expect((await conformity(broken(crd, right, wrong), schemas)).problems).toEqual([expect.stringMatching(problem)]);
  });
});

function isTheirs({ apiVersion, kind }: KubernetesObject): boolean {
  return Object.hasOwn(NOT_OURS, `${apiVersion}/${kind}`);
}

function namesOf(objects: readonly KubernetesObject[]): string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
}

/** The one document with what is right, with what is wrong instead. */
function broken(manifests: string, right: RegExp, wrong: string): string {
  const document = manifests.split(/^---$/m).find((text) => right.test(text));
  if (document === undefined) throw new Error(`there is no ${right.source} to break`);
  return document.replace(right, wrong);
}
