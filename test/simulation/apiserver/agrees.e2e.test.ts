// A real API server, asked what the simulated one is asked in agrees.test.ts: both must answer as recorded in agreed.json, in status,
// reason, words and blamed fields. ZONESPREAD_RECORD=1 records the real one's answers anew.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCluster, type ClusterConnection } from '../../../src/kubernetes/config.ts';
import { startControlPlane, type ControlPlane } from '../../controlplane/start.ts';
import { compared, record, recorded, type Agreed } from './agreed.ts';
import { asker, type Ask } from './asker.ts';
import { CASES, type Case } from './cases.ts';
import { OUR_DEFINITIONS } from './simulated.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let plane: ControlPlane;
let connection: ClusterConnection;

beforeAll(async () => {
  plane = await startControlPlane();
  connection = loadCluster({ kubeconfig: plane.kubeconfig });
  const ask = asker(connection.http);
  for (const definition of OUR_DEFINITIONS) {
    await ask({ method: 'POST', path: CRDS, body: definition });
    await ready(ask, `/apis/zonespread.io/v1alpha1/${definition.metadata.name.split('.')[0] ?? ''}`);
  }
});

afterAll(async () => {
  await connection?.close();
  await plane?.stop();
});

async function ready(ask: Ask, path: string): Promise<void> {
  while ((await ask({ path })).status !== 200);
}

async function seenOnReal({ run }: Case, ns: string): Promise<Agreed> {
  const ask = asker(connection.http, { [ns]: '<ns>' });
  await ask({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: ns } } });
  return compared(await run({ ask, ns, own: (name) => `${ns}-${name}` }));
}

describe('a real API server', () => {
  it.each(CASES.map((one, index) => [one.it, one, index] as const))('%s', async (_sentence, one, index) => {
    const real = await seenOnReal(one, `case-${index}`);
    if (process.env.ZONESPREAD_RECORD === '1') record(one, real);
    expect(real).toEqual(recorded(one));
  });
});
