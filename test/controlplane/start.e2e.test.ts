// The control plane itself: real controllers, side by side, and nothing left behind however it ends.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { processesNaming } from './processes.ts';
import { kubeconfigOfServiceAccount } from './service-account.ts';
import { startControlPlane, type ControlPlane } from './start.ts';

const STATEFUL_SET = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    serviceName: 'web',
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'none' }] } },
  },
});

const WAIT = { timeout: 60_000, interval: 50 };

describe('two control planes side by side', () => {
  let first: ControlPlane;
  let second: ControlPlane;

  beforeAll(async () => {
    [first, second] = await Promise.all([startControlPlane({ users: [{ name: 'reader', groups: ['readers'] }] }), startControlPlane()]);
  });

  afterAll(async () => {
    await Promise.all([first?.stop(), second?.stop()]);
  });

  test('a StatefulSet gets its first pod, which stays Pending without a node, and the other control plane knows nothing of it', async () => {
    await first.kubectl(['apply', '-f', '-'], STATEFUL_SET);

    const reason = 'jsonpath={.status.phase} {.status.conditions[?(@.type=="PodScheduled")].reason}';
    await expect.poll(() => first.kubectl(['get', 'pods', 'web-0', '--ignore-not-found', '-o', reason]), WAIT).toBe('Pending Unschedulable');
    await expect(first.kubectl(['get', 'pods', '-o', 'name'])).resolves.toBe('pod/web-0\n');
    await expect(second.kubectl(['get', 'pods', '-A', '-o', 'name'])).resolves.toBe('');
  });

  test('every write is known by its author', async () => {
    const author = async (resource: string, name: string): Promise<string | undefined> =>
      (await first.writes()).find((write) => write.verb === 'create' && write.resource === resource && write.name === name && write.code === 201)?.user;

    await expect.poll(() => author('statefulsets', 'web'), WAIT).toBe('kubernetes-admin');
    await expect.poll(() => author('pods', 'web-0'), WAIT).toBe('system:serviceaccount:kube-system:statefulset-controller');
    await expect.poll(async () => (await first.writes()).some((write) => write.user === 'system:kube-scheduler'), WAIT).toBe(true);
  });

  test('a user of its own may do what its roles say, and nothing else', async () => {
    await first.kubectl(['create', 'clusterrolebinding', 'readers', '--clusterrole=view', '--group=readers']);

    const asReader = (...args: string[]): Promise<string> => first.kubectl(['--kubeconfig', first.kubeconfigOf('reader'), ...args]);
    await expect.poll(() => asReader('get', 'pods', '-o', 'name').catch((error: Error) => error.message), WAIT).toBe('pod/web-0\n');
    await expect(asReader('delete', 'pod', 'web-0')).rejects.toThrow(/pods "web-0" is forbidden: User "reader" cannot delete/);
    expect(() => first.kubeconfigOf('nobody')).toThrow('has no user "nobody"; it has kubernetes-admin, system:kube-controller-manager, system:kube-scheduler, reader.');
  });

  test('a killed API server comes back on its port with its data', async () => {
    await first.restart('kube-apiserver', { signal: 'SIGKILL' });

    await expect(first.kubectl(['get', 'statefulset', 'web', '-o', 'jsonpath={.spec.replicas}'])).resolves.toBe('2');
  });

  test('stop leaves no process and no folder, and may be called again', async () => {
    const { directory } = second;
    expect(processesNaming(directory)).toHaveLength(4);

    await second.stop();
    await second.stop();

    expect(processesNaming(directory)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    await expect(first.kubectl(['get', 'namespace', 'default', '-o', 'name'])).resolves.toBe('namespace/default\n');
  });
});

test('a program outside the cluster acts as a service account, with its roles alone', async () => {
  const controlPlane = await startControlPlane();
  try {
    await controlPlane.kubectl(['create', 'serviceaccount', 'mover', '--namespace', 'kube-system']);

    const kubeconfig = await kubeconfigOfServiceAccount(controlPlane, { namespace: 'kube-system', name: 'mover' });

    const whoami = ['--kubeconfig', kubeconfig, 'auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'];
    await expect(controlPlane.kubectl(whoami)).resolves.toBe('system:serviceaccount:kube-system:mover');
    await expect(controlPlane.kubectl(['--kubeconfig', kubeconfig, 'get', 'nodes'])).rejects.toThrow(/nodes is forbidden: User "system:serviceaccount:kube-system:mover"/);
  } finally {
    await controlPlane.stop();
  }
});

test('a program that does not start is reported with the end of its log, and nothing is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zonespread-start-'));
  vi.stubEnv('TMPDIR', folder);
  try {
    const start = startControlPlane({ apiServerFlags: ['--no-such-flag'], log: () => undefined });

    await expect(start).rejects.toThrow(/kube-apiserver ended with exit code 1.*unknown flag: --no-such-flag/s);
    expect(readdirSync(folder)).toEqual([]);
    expect(processesNaming(folder)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});

test('a port that somebody takes first is no reason to fail at once: other ports are tried', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const ends: string[] = [];
  try {
    // The flag takes the choice of ports away from it, so that every attempt must fail.
    const start = startControlPlane({ apiServerFlags: [`--secure-port=${port}`], log: (line) => ends.push(line) });

    await expect(start).rejects.toThrow('address already in use');
    expect(ends).toHaveLength(5);
  } finally {
    taken.close();
  }
});

test('npm run controlplane prints a kubeconfig that works, and Ctrl-C leaves nothing', async () => {
  const { directory, process: starter, ended } = await startAlone();
  expect(processesNaming(directory).length).toBeGreaterThanOrEqual(4);

  starter.kill('SIGINT');

  await expect(ended).resolves.toBe(0);
  expect(processesNaming(directory)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

test('kill -9 of the one who started it leaves no process and no folder', async () => {
  const { directory, process: starter, ended } = await startAlone();
  expect(processesNaming(directory).length).toBeGreaterThanOrEqual(4);

  starter.kill('SIGKILL');

  await ended;
  await expect.poll(() => processesNaming(directory), WAIT).toEqual([]);
  await expect.poll(() => existsSync(directory), WAIT).toBe(false);
});

interface Alone {
  readonly directory: string;
  readonly process: ReturnType<typeof spawn>;
  /** The exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs main.ts as a process of its own; resolves when it has said where its kubeconfig is. */
async function startAlone(): Promise<Alone> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const kubeconfig = /^ *export KUBECONFIG=(.+)$/.exec(line)?.[1];
    if (kubeconfig) return { directory: kubeconfig.slice(0, kubeconfig.lastIndexOf('/')), process: child, ended };
  }
  throw new Error(`main.ts ended (exit code ${await ended}) without a kubeconfig.`);
}
