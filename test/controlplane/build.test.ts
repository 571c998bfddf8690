// How the binaries get into the cache, with a `go` that only pretends: what is built, when, by whom, and what a person reads when Go is missing.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const run = promisify(execFile);

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zonespread-build-'));
  mkdirSync(join(root, 'bin'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('the first call builds three binaries, the second nothing', async () => {
  installGo();

  const first = await build();
  const second = await build();

  expect(builds()).toEqual(['controlplane', 'csi-attacher', 'csi-provisioner']);
  expect(second.binaries).toEqual(first.binaries);
  expect(Object.values(first.binaries).every((path) => existsSync(path))).toBe(true);
  expect(first.stderr).toMatch(/building controlplane v1\.36\.3 with Go.*built controlplane v1\.36\.3 in \d+ s\..*building csi-provisioner v6\.3\.0/s);
  expect(second.stderr).toBe('');
});

test('the versions of go.mod are built into the binaries', async () => {
  installGo();

  await build();

  const calls = readFileSync(join(root, 'go.log'), 'utf8');
  expect(calls).toMatch(/version\.gitVersion=v1\.36\.3 .*gitMajor=1 .*gitMinor=36/);
  expect(calls).toMatch(/main\.version=v6\.3\.0/);
  expect(calls).toMatch(/main\.version=v4\.13\.0/);
});

test('of several processes that ask at once, one builds and the others wait', async () => {
  installGo();

  const asked = await Promise.all([build(), build(), build()]);

  expect(builds()).toEqual(['controlplane', 'csi-attacher', 'csi-provisioner']);
  expect(new Set(asked.map(({ binaries }) => binaries['controlplane'])).size).toBe(1);
});

test('another version of Go builds anew', async () => {
  installGo('go1.26.0');
  await build();
  installGo('go1.27.1');
  await build();

  expect(builds()).toHaveLength(6);
});

test('the lock of a process that is gone does not hold anybody up', async () => {
  installGo();
  const { binaries } = await build();
  const folder = join(binaries['controlplane']!, '..');
  rmSync(folder, { recursive: true });
  // No process has this id: it is above Linux's highest.
  writeFileSync(`${folder}.lock`, JSON.stringify({ pid: 5_000_000, host: (await run('hostname')).stdout.trim(), id: 'gone' }));

  await build();

  expect(builds()).toHaveLength(4);
  expect(existsSync(`${folder}.lock`)).toBe(false);
});

test('a lock of another machine is broken once it is stale', async () => {
  installGo();
  const { binaries } = await build();
  const folder = join(binaries['controlplane']!, '..');
  rmSync(folder, { recursive: true });
  writeFileSync(`${folder}.lock`, JSON.stringify({ pid: 1, host: 'elsewhere', id: 'stale' }));
  const minuteAgo = new Date(Date.now() - 60_000);
  utimesSync(`${folder}.lock`, minuteAgo, minuteAgo);

  await build();

  expect(builds()).toHaveLength(4);
});

test('binaries that nobody asked for in a month are removed by the next build', async () => {
  installGo('go1.26.0');
  const { binaries } = await build();
  const folder = join(binaries['controlplane']!, '..');
  const longAgo = new Date(Date.now() - 31 * 86_400_000);
  utimesSync(folder, longAgo, longAgo);
  installGo('go1.26.1');

  const next = await build();

  expect(existsSync(folder)).toBe(false);
  expect(existsSync(next.binaries['controlplane']!)).toBe(true);
});

test('a failing build says what the compiler said and leaves nothing half-built', async () => {
  installGo('go1.26.8', 'echo "undefined: nonsense" >&2; exit 2');

  await expect(build()).rejects.toThrow(/Building controlplane v1\.36\.3 failed \(`go build` in .*kubernetes, exit code 2\):\nundefined: nonsense/);

  expect(readdirSync(join(root, 'cache', 'zonespread', 'controlplane'))).toEqual([]);
});

test('without Go, or with one that is too old, the error names the fix', async () => {
  await expect(build()).rejects.toThrow(
    'The real control plane is built with Go, and there is no `go` in PATH. Install Go 1.26 or newer (packages of Linux distributions are often older), put its bin folder first in PATH so that `go version` shows it, and run this again.',
  );

  installGo('go1.24.4');
  await expect(build()).rejects.toThrow('The real control plane needs Go 1.26 or newer, and the `go` in PATH is go1.24.4. Install Go 1.26 or newer');
});

test('a source that cannot be got names who needs it, and what Go said', async () => {
  installGo('go1.26.8', `echo '{"Error": "no such host"}'; exit 1`);

  await expect(source()).rejects.toThrow(/The test needs the source of k8s\.io\/kubernetes, and `go mod download` in .*kubernetes cannot get it: \{"Error": "no such host"\}/);
});

test('the source is where Go says that it is', async () => {
  installGo('go1.26.8', `echo '{"Dir": "/modules/kubernetes"}'; exit 0`);

  expect(await source()).toBe('/modules/kubernetes');
  expect(readFileSync(join(root, 'go.log'), 'utf8')).toBe('mod download -json k8s.io/kubernetes\n');
});

/** A `go` that says its version, and whose builds take a moment and make an empty binary. */
function installGo(version = 'go1.26.8', work = 'sleep 0.1'): void {
  const script = `#!/bin/sh
if [ "$1" = env ]; then echo ${version}; exit 0; fi
echo "$@" >> ${root}/go.log
${work}
while [ "$1" != -o ]; do shift; done
echo > "$2"; chmod 755 "$2"
echo "\${2##*/}" >> ${root}/built.log
`;
  writeFileSync(join(root, 'bin', 'go'), script);
  chmodSync(join(root, 'bin', 'go'), 0o755);
}

/** What was built so far. */
function builds(): string[] {
  return readFileSync(join(root, 'built.log'), 'utf8').trim().split('\n').toSorted();
}

async function build(): Promise<{ binaries: Record<string, string>; stderr: string }> {
  const { answer, stderr } = await inProcess('buildControlPlane()');
  return { binaries: answer as Record<string, string>, stderr };
}

async function source(): Promise<unknown> {
  return (await inProcess("kubernetesSource('The test')")).answer;
}

/** In a process of its own, whose `go` is ours. */
async function inProcess(call: string): Promise<{ answer: unknown; stderr: string }> {
  const module = new URL('build.ts', import.meta.url).href;
  const program = `import('${module}').then((build) => build.${call}).then((found) => console.log(JSON.stringify(found)), (error) => { console.error(error.message); process.exit(1); })`;
  // The shell's own tools only where there is a pretending `go` before them: the machine's Go may be among them.
  const PATH = existsSync(join(root, 'bin', 'go')) ? [join(root, 'bin'), '/usr/bin', '/bin'].join(delimiter) : join(root, 'bin');
  const options = { cwd: fileURLToPath(new URL('.', import.meta.url)), env: { PATH, HOME: root, XDG_CACHE_HOME: join(root, 'cache') } };
  const { stdout, stderr } = await run(process.execPath, ['-e', program], options);
  return { answer: JSON.parse(stdout), stderr };
}
