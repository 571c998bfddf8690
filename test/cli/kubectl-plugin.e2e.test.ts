// `kubectl zonespread` with a real kubectl on a real control plane: found on the PATH, completed, and told the truth by the API server.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEFAULT_ACCESS_KEY_ID } from '../../src/simulation/ecs/server.ts';
import { startRealWorld } from '../e2e/real-world.ts';
import { inScene } from '../e2e/scene.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let world: Awaited<ReturnType<typeof startRealWorld>>;
let folder: string;

beforeAll(async () => {
  world = await startRealWorld();
  folder = mkdtempSync(join(tmpdir(), 'zonespread-plugin-'));
  for (const name of ['kubectl-zonespread', 'kubectl_complete-zonespread']) symlinkSync(MAIN, join(folder, name));
});

afterAll(async () => {
  await world?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('shows a set, tries an order by dry run, and finds the cluster healthy (real control plane)', () =>
  inScene(world, 'plugin', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    await scene.startDaemon();
    await scene.annotate({ zones: `${a},${b}`, mode: 'plan' });
    await scene.until('the report has a plan', () => scene.report()?.status?.plan?.total === 1);
    const set = scene.wanted?.metadata.name ?? '';
    const here = ['-n', scene.namespace];

    const status = await kubectl('zonespread', 'status', set, ...here);
    expect(status).toMatchObject({ code: 0, error: '' });
    expect(status.out).toMatch(new RegExp(`^${scene.namespace}/${set} {3}waits for ApprovalNeeded {3}skew 2\\n[\\s\\S]*\\n {2}${a} +2 +1 +● 0 {2}○ 1\\n {2}${b} +0 +1 +→ 1\\n`));

    const ordered = await kubectl('zonespread', 'migrate', set, '1', b, '--dry-run', ...here);
    expect(ordered).toMatchObject({ code: 0, error: '', out: expect.stringContaining('would be created (server dry run)') as string });
    expect(scene.migrations.all()).toEqual([]);

    expect(await kubectl('__complete', 'zonespread', 'abo')).toMatchObject({ out: expect.stringMatching(/^abort\t/) as string });

    const doctor = await kubectl('zonespread', 'doctor', ...here, '--lease-namespace', scene.leaseNamespace, '--region', 'cn-test', '--ecs-endpoint', world.person.ecsEndpoint, '--ecs-protocol', 'HTTP');
    for (const found of ['✓ the clocks of the API server', '✓ the custom resources', '✓ a controller leads', "✓ the webhook's certificate authority is valid", '✓ the webhook answers', 'has every right that moves take', '✓ CSIDriver', '✓ the credentials of this machine may do all']) expect(doctor.out).toContain(found);
    expect(doctor).toMatchObject({ code: 0, error: '' });
  }));

function kubectl(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { kubeconfig, kubectl: binary } = world.person;
  const path = [folder, dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
  const environment = { PATH: path, KUBECONFIG: kubeconfig, ALIBABA_CLOUD_ACCESS_KEY_ID: DEFAULT_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'anything' };
  return new Promise((resolve) => {
    execFile(binary, args, { env: environment }, (cause, out, error) => resolve({ code: cause === null ? 0 : Number(cause.code), out, error }));
  });
}
