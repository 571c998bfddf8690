// What goes into the image: made here as the Dockerfile makes it, looked through, and started. The whole product runs from it on a real
// control plane in test/helm/install.e2e.test.ts.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './bundle.ts';

const run = promisify(execFile);
/** Measured: 9.3 MiB. More than this is something that does not belong there. */
const LIMIT_MIB = 12;

describe('the bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zonespread-image-'));
  let app = '';
  let main = '';

  beforeAll(async () => {
    ({ app, main } = await bundle(folder));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start = async (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    // No module of this repository is in reach from there.
    run(process.execPath, [main, ...args], { cwd: folder, env: { PATH: '/nowhere' } }).then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
    );
  const files = (): string[] => readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(app, name)).isFile());

  it('starts by itself, and knows its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await start('version')).toEqual({ code: 0, out: `zonespread ${version} (Node ${process.version})\n`, err: '' });
  });

  it.each(['controller', 'webhook', 'wind-down'])('knows the flags of %s', async (verb) => {
    const { code, out } = await start(verb, '--help');
    expect(code).toBe(0);
    expect(out).toContain('--kubeconfig <file>');
  });

  it('says what is wrong as the sources do', async () => {
    expect(await start('controller', '--region', 'cn-test', '--kubeconfig', 'nowhere')).toEqual({ code: 1, out: '', err: 'zonespread: kubeconfig nowhere: there is no such file\n' });
  });

  it('finds the SDK where it loads it from, whole', () => {
    const [bundled, installed] = [createRequire(main), createRequire(import.meta.url)];
    for (const name of ['@alicloud/ecs20140526', '@alicloud/openapi-core', '@alicloud/credentials']) {
      expect(bundled.resolve(name)).toBe(join(app, 'node_modules', name, 'index.js'));
      expect(shapeOf(bundled(name)), name).toEqual(shapeOf(installed(name)));
    }
  });

  it('has nothing in it of simulation, histories, demo and tests', () => {
    const modules = readFileSync(join(folder, 'modules.txt'), 'utf8').split('\n');
    const own = modules.filter((name) => name !== '' && !name.includes('node_modules/'));
    expect(own).toContain('src/cli/main.ts');
    expect([...new Set(own.map((name) => name.split('/')[1] ?? ''))].toSorted()).toEqual(['admission', 'alicloud', 'cli', 'controller', 'kubernetes', 'layout', 'migration', 'observability', 'page', 'planner', 'policy', 'ports', 'standing']);
    expect(readFileSync(main, 'utf8')).not.toMatch(/EcsModel|SimulatedCluster|EmbeddedDaemon|drawPlan/);
  });

  it(`is a handful of files, of less than ${LIMIT_MIB} MiB together`, () => {
    const shape = files().map((name) => name.replace(/shared\/.*/, 'shared/*'));
    expect([...new Set(shape)].toSorted()).toEqual([
      'THIRD-PARTY-LICENSES.txt',
      'dist/cli/main.mjs',
      'node_modules/@alicloud/credentials/index.js',
      'node_modules/@alicloud/ecs20140526/index.js',
      'node_modules/@alicloud/openapi-core/index.js',
      'node_modules/@alicloud/shared/*',
      'package.json',
      'sbom.cdx.json',
    ]);
    const mib = files().reduce((sum, name) => sum + statSync(join(app, name)).size, 0) / 2 ** 20;
    process.stdout.write(`the bundle has ${mib.toFixed(1)} MiB\n`);
    expect(mib).toBeLessThan(LIMIT_MIB);
  });

  it('has a bill of materials that names the packages it is made of and no others, and the terms of each', () => {
    const modules = readFileSync(join(folder, 'modules.txt'), 'utf8');
    const packages = [...new Set([...modules.matchAll(/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/(?!.*node_modules)/g)].map(([, name]) => name ?? ''))];
    const bill = JSON.parse(readFileSync(join(app, 'sbom.cdx.json'), 'utf8')) as { bomFormat: string; components: { group?: string; name: string; version: string }[] };
    const listed = new Set(bill.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`)));
    expect(packages.length).toBeGreaterThan(50);
    expect([...listed].toSorted()).toEqual(packages.toSorted());
    const terms = readFileSync(join(app, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(packages.filter((name) => !terms.includes(`${name} `))).toEqual([]);
    expect(terms).toMatch(/MIT License/);
  });
});

/** Name and type of what a package exports. */
function shapeOf(exported: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(exported as object).map(([name, value]) => [name, typeof value]));
}
