// A simulated API server for tests, with our CRDs where they are wanted.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubernetesObject, Resource } from '../../../src/kubernetes/objects.ts';
import { ADMIN, type ApiServer, type ApiServerOptions } from '../../../src/simulation/apiserver/contract.ts';
import { createApiServer } from '../../../src/simulation/apiserver/server.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { SeededRandom } from '../../fakes/random.ts';

const CRDS = new URL('../../../charts/zonespread/crds/', import.meta.url);
export const definitions: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false };

export const OUR_DEFINITIONS: KubernetesObject[] = ['ordinalmigrations', 'spreadreports', 'zoneevacuations'].map((plural) => parse(readFileSync(new URL(`${plural}.yaml`, CRDS), 'utf8')) as KubernetesObject);

export interface Simulated {
  server: ApiServer;
  clock: FakeClock;
}

export function simulated(options: Partial<ApiServerOptions> = {}): Simulated {
  const clock = new FakeClock();
  return { clock, server: createApiServer({ clock, random: new SeededRandom(7), ...options }) };
}

export async function withOurKinds(server: ApiServer): Promise<void> {
  const admin = server.client(ADMIN);
  for (const definition of OUR_DEFINITIONS) await admin.create(definitions, definition);
}

export async function withNamespace(server: ApiServer, name: string, labels: Record<string, string> = {}): Promise<void> {
  await server.client(ADMIN).create({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }, { metadata: { name, labels } });
}
