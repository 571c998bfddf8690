import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contextsOf, loadCluster } from '../../src/kubernetes/config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zonespread-config-'));
  vi.stubEnv('HOME', folder);
  vi.stubEnv('KUBECONFIG', '');
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, contexts: Record<string, { server: string; namespace?: string; user?: string }>, current?: string): string {
  const file = join(folder, name);
  writeFileSync(
    file,
    JSON.stringify({
      ...(current === undefined ? {} : { 'current-context': current }),
      clusters: Object.entries(contexts).map(([key, { server }]) => ({ name: key, cluster: { server } })),
      contexts: Object.entries(contexts).map(([key, { namespace, user }]) => ({ name: key, context: { cluster: key, user: user ?? 'me', namespace } })),
      users: [{ name: 'me', user: { token: 't' } }],
    }),
  );
  return file;
}

describe('the cluster to talk to', () => {
  it('is the current context of the file that is named, or another of its contexts', () => {
    const file = write('config', { beijing: { server: 'https://10.0.0.1:6443', namespace: 'shop' }, hangzhou: { server: 'https://10.0.0.2:6443' } }, 'beijing');
    expect(loadCluster({ kubeconfig: file })).toMatchObject({ server: 'https://10.0.0.1:6443', namespace: 'shop' });
    const other = loadCluster({ kubeconfig: file, context: 'hangzhou' });
    expect(other.server).toBe('https://10.0.0.2:6443');
    expect(other.namespace).toBeUndefined();
  });

  it('is found in $KUBECONFIG: files that are missing are left out, the first of a name wins', () => {
    const first = write('first', { a: { server: 'https://first' } });
    const second = write('second', { a: { server: 'https://second' }, b: { server: 'https://b' } }, 'a');
    vi.stubEnv('KUBECONFIG', [join(folder, 'missing'), first, second].join(delimiter));
    expect(loadCluster().server).toBe('https://first');
    expect(loadCluster({ context: 'b' }).server).toBe('https://b');
  });

  it('has the contexts of the files, each name once; inside a pod there are none', () => {
    const [first, second] = [write('first', { beijing: { server: 'https://10.0.0.1' } }), write('second', { beijing: { server: 'https://10.0.0.2' }, hangzhou: { server: 'https://10.0.0.3' } })];
    expect(contextsOf(second)).toEqual(['beijing', 'hangzhou']);
    vi.stubEnv('KUBECONFIG', [first, second].join(delimiter));
    expect(contextsOf(undefined)).toEqual(['beijing', 'hangzhou']);
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1');
    expect(contextsOf(undefined)).toEqual([]);
    expect(() => contextsOf(join(folder, 'nowhere'))).toThrow('there is no such file');
  });

  it('is the pod\'s own inside a pod, unless the home folder names one', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    expect(loadCluster().server).toBe('https://10.96.0.1:443');
    mkdirSync(join(folder, '.kube'));
    write('.kube/config', { home: { server: 'https://home' } }, 'home');
    expect(loadCluster().server).toBe('https://home');
  });

  it.each([
    [() => loadCluster(), 'no cluster to talk to: not inside a pod, no $KUBECONFIG and no ~/.kube/config; name a file with --kubeconfig'],
    [() => loadCluster({ kubeconfig: '/nowhere/config' }), 'kubeconfig /nowhere/config: there is no such file'],
    [() => loadCluster({ kubeconfig: write('config', { a: { server: 'https://a' } }, 'a'), context: 'b' }), 'there is no context "b"; there are: a'],
    [() => loadCluster({ kubeconfig: write('config', { a: { server: 'https://a' } }) }), 'no current context; choose one with --context: a'],
    [() => loadCluster({ kubeconfig: write('config', { a: { server: 'https://a', user: 'nobody' } }, 'a') }), 'the user of context "a" is not in it'],
    [() => loadCluster({ kubeconfig: write('config', { a: { server: 'http://10.0.0.1:8080' } }, 'a') }), 'http://10.0.0.1:8080 is plain HTTP, which shows credentials to anybody on the way'],
  ])('is said to be missing or wrong in words (%#)', (load, message) => {
    expect(load).toThrow(message);
  });

  it('is not taken from a file that cannot be read', () => {
    const file = join(folder, 'broken');
    writeFileSync(file, 'clusters: [');
    expect(() => loadCluster({ kubeconfig: file })).toThrow(`kubeconfig ${file} cannot be read:`);
    vi.stubEnv('KUBECONFIG', join(folder, 'missing'));
    expect(() => loadCluster()).toThrow('there is no such file');
  });
});
