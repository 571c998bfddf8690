import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgram, runProgram } from '../../src/cli/program.ts';
import { answerJson, startServer, until, writeKubeconfig, type Handler } from '../fakes/http-server.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

const children = new Set<ChildProcess>();

/** A daemon waits for its API server for ever: none may outlive its test. */
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'] ?? '' } });
  children.add(child);
  const output = { out: '', error: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.error += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended };
}

describe('the program', () => {
  it('has every verb of the contract', () => {
    const verbs = ['controller', 'webhook', 'status', 'plan', 'approve', 'migrate', 'pause', 'resume', 'abort', 'reverse', 'restore-source', 'release', 'evacuate', 'retained', 'doctor', 'version', 'completion', 'wind-down'];
    expect(createProgram().commands.map((command) => command.name()).toSorted()).toEqual(verbs.toSorted());
  });

  it.each<[string[], number, RegExp]>([
    [['nonsense'], 2, /unknown command 'nonsense'/],
    [['controller', '--sweep', 'never'], 2, /"never" is no cron expression/],
    [['controller', '--prometheus', 'prometheus:9090'], 2, /"prometheus:9090" is not allowed: a URL that begins with http/],
    [['controller', '--prepull', '--reserve', 'false'], 1, /^zonespread: --prepull pulls images through the placeholder pod, and --reserve=false makes none/],
    [['controller', '--await-autoscaler', '15m', '--reserve=false'], 1, /^zonespread: --await-autoscaler waits for the node of a placeholder pod/],
    [['controller', '--region', 'x', '--kubeconfig', 'nowhere'], 1, /^zonespread: kubeconfig nowhere: there is no such file\n$/],
  ])('%j ends with code %i', async (args, code, message) => {
    const said: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    try {
      expect(await runProgram(createProgram(), args)).toBe(code);
    } finally {
      stderr.mockRestore();
    }
    expect(said.join('')).toMatch(message);
  });

  it('is a program of its own', async () => {
    const result = await start('version').ended;
    expect(result).toMatchObject({ code: 0, out: expect.stringMatching(/^zonespread \d+\.\d+\.\d+ \(Node v24/) as string, error: '' });
  });

  it('ends with code 1 and says what is missing when the custom resources are not installed', async () => {
    const server = await startServer((_request, response) => answerJson(response, 404, { kind: 'Status', code: 404, reason: 'NotFound', message: 'no' }));
    const config = writeKubeconfig(server.url);
    const result = await start('controller', '--region', 'cn-test', '--kubeconfig', config.file, '--http', '127.0.0.1:0').ended;
    expect(result.code).toBe(1);
    expect(result.error).toMatch(/^zonespread: the API server does not serve ordinalmigrations\.zonespread\.io, spreadreports\.zonespread\.io, zoneevacuations\.zonespread\.io .*kubectl apply/);
    config.remove();
    await server.close();
  });

  it('ends with code 0 within ten seconds of SIGTERM, though the API server answers nothing any more', async () => {
    let silent = false;
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'zonespread', namespace: 'x', uid: 'u', resourceVersion: '1' }, spec: {} };
    const handle: Handler = ({ method, url }, response) => {
      if (silent) return;
      if (url.endsWith('/zonespread.io/v1alpha1')) answerJson(response, 200, { resources: [{ name: 'ordinalmigrations' }, { name: 'spreadreports' }, { name: 'zoneevacuations' }] });
      else if (url.includes('selfsubjectreviews')) answerJson(response, 201, { status: { userInfo: { username: 'me' } } });
      else if (url.includes('/leases')) answerJson(response, method === 'POST' ? 201 : 200, { ...lease, spec: { holderIdentity: '', leaseTransitions: 1 } });
      else if (url.includes('watch=1')) response.writeHead(200).flushHeaders();
      else if (url.includes('/namespaces/kube-system')) {
        silent = true;
      } else if (url.includes('kruise')) answerJson(response, 404, { kind: 'Status', code: 404, reason: 'NotFound' });
      else answerJson(response, 200, { metadata: { resourceVersion: '1' }, items: [] });
    };
    const server = await startServer(handle);
    const config = writeKubeconfig(server.url);
    const { child, ended } = start('controller', '--region', 'cn-test', '--kubeconfig', config.file, '--http', '127.0.0.1:0', '--lease-namespace', 'x', '--lease-duration', '60s', '--renew-deadline', '50s');
    await until(() => silent, 'the daemon asks for the cluster');
    const asked = performance.now();
    child.kill('SIGTERM');
    const result = await ended;
    expect(result.code).toBe(0);
    expect(performance.now() - asked).toBeLessThan(10_000);
    config.remove();
    await server.close();
  });
});
