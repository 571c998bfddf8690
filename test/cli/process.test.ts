// The command line as a process, on a simulated cluster with the product in it, behind a real port: exit codes, output, and what comes
// of it. `kubectl zonespread` is the same program under another name.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spreadReports, type SpreadReportStatus } from '../../src/controller/spread-report.ts';
import { DEFAULT_ACCESS_KEY_ID } from '../../src/simulation/ecs/server.ts';
import { ZONES } from '../../src/demo/zones.ts';
import { startSimulatedCluster, type SimulatedWithCli } from './simulated-cluster.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const PATIENCE_MS = 120_000;

let cluster: SimulatedWithCli;
let folder: string;

beforeAll(async () => {
  cluster = await startSimulatedCluster();
  folder = mkdtempSync(join(tmpdir(), 'zonespread-plugin-'));
  for (const name of ['kubectl-zonespread', 'kubectl_complete-zonespread']) symlinkSync(MAIN, join(folder, name));
}, PATIENCE_MS);

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Words may not have blanks here. */
async function run(line: string, { as = MAIN }: { as?: string } = {}): Promise<{ code: number | null; out: string; error: string }> {
  const environment = { PATH: process.env['PATH'] ?? '', KUBECONFIG: cluster.kubeconfig, ALIBABA_CLOUD_ACCESS_KEY_ID: DEFAULT_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'anything' };
  const child = spawn(process.execPath, [as, ...line.split(' ')], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, error };
}

/** As the controller last said. */
function report(): SpreadReportStatus {
  return cluster.world.cluster.simulated.server.read(spreadReports, { namespace: 'demo', name: 'web' })?.status ?? {};
}

describe('a set from its first plan to the evacuation of a zone', { timeout: PATIENCE_MS }, () => {
  it('is planned, approved by its digest, and spread', async () => {
    await cluster.annotate({ zones: ZONES.join(','), mode: 'plan' });
    await cluster.until(() => report().plan?.total === 4);

    const plan = await run('plan web');
    expect(plan).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/^demo\/web {3}four moves, 80 GiB, about \d+ min/) as string });
    const digest = /digest ([0-9a-f]{64})/.exec(plan.out)?.[1] ?? '';
    expect(await run('approve web --digest 0123456789')).toMatchObject({ code: 3, out: '', error: expect.stringMatching(/^zonespread: the plan is another one by now/) as string });
    expect(await run(`approve web --digest ${digest}`)).toMatchObject({ code: 0, error: '', out: expect.stringContaining(`The plan ${digest.slice(0, 12)} of demo/web is approved.`) as string });

    await cluster.until(() => report().satisfied === true && report().inFlight?.length === 0);
    expect(await run('status')).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/^demo\/web {3}as declared {3}skew 0[\s\S]*cn-beijing-a +2 +2 .*\n.*cn-beijing-b +2 +2 .*\n.*cn-beijing-c +2 +2 [\s\S]* KEPT {3}four old disks, 80 GiB: zonespread retained\n$/) as string });
  });

  it('is moved by hand, and held where a guard says so', async () => {
    await cluster.annotate({ mode: 'disabled' });
    const moved = await cluster.atSpeed(60, () => run('migrate web 0 cn-beijing-b --wait'));
    expect(moved).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/Running ready \d+ %\n[\s\S]*\nweb-0 is in cn-beijing-b; it was down for /) as string });
    expect(await run('pause web')).toMatchObject({ code: 0, error: '' });
    expect(await run('migrate web 0 cn-beijing-a --wait')).toMatchObject({ code: 3, error: expect.stringMatching(/^zonespread: web-0 waits: Paused: /) as string });
    expect(await run('abort web/0 --wait')).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/web-0: Failed Aborted/) as string });
  });

  it('leaves a zone as far as it may, and says why no further', async () => {
    await cluster.annotate({ mode: null, paused: null });
    expect(await run('evacuate cn-beijing-b --reason closing --wait')).toMatchObject({ code: 3, error: expect.stringMatching(/^zonespread: zone cn-beijing-b still has \d disks, and all of them are held: CoolDown/) as string });
    expect(await run('evacuate cn-beijing-b --undo')).toMatchObject({ code: 0, error: '' });
  });
});

describe('the program', { timeout: PATIENCE_MS }, () => {
  it('finds nothing wrong with such a cluster but the clock, which runs ahead', async () => {
    const said = await run(`doctor --region cn-beijing --ecs-endpoint ${cluster.ecsEndpoint} --ecs-protocol HTTP`);
    expect(said).toMatchObject({ code: 0, error: '' });
    for (const found of ["! this machine's clock is", '✓ a controller leads: ', '✓ the webhook answers the API server', '✓ the credentials of this machine may do all that moves take in cn-beijing', ' fine, 1 warning, no problem']) expect(said.out).toContain(found);
  });

  it('is a plugin of kubectl under its name, and completes for it', async () => {
    const [help, completed] = await Promise.all([run('--help', { as: join(folder, 'kubectl-zonespread') }), run('status w', { as: join(folder, 'kubectl_complete-zonespread') })]);
    expect(help.out).toContain('Usage: kubectl zonespread [options] [command]');
    expect(completed.out).toBe('web\n:4\n');
  });

  it.each<[string, number]>([['status --nonsense', 2], ['status --context nope', 1]])('ends %s with %i and no stack', async (line, code) => {
    const said = await run(line);
    expect(said).toMatchObject({ code, out: '' });
    expect(said.error).not.toMatch(/\n {4}at /);
  });
});
