// Completion: what may come next, in the words of `__complete`. test/cli/completion/ has the scripts that ask for it, in their shells.

import { describe, expect, it } from 'vitest';
import { namespaces, nodes, statefulSets } from '../../../src/kubernetes/objects.ts';
import { runProgram, createProgram } from '../../../src/cli/program.ts';
import { node, statefulSet } from '../../builders/kubernetes.ts';
import { Desk, moving } from '../command-line-of.ts';

function desk(): Desk {
  const one = new Desk();
  for (const name of ['web', 'worker', 'db']) one.api.put(statefulSets, statefulSet({ name, replicas: 3 }));
  for (const zone of ['cn-beijing-h', 'cn-beijing-i']) one.api.put(nodes, node({ zone }));
  for (const name of ['shop', 'db']) one.api.put(namespaces, { metadata: { name } });
  one.contexts = ['prod "eu"', 'two\nlines', 'a\ttab'];
  one.record('web-2-bcdfg', { status: moving() });
  one.record('web-1-xxxxx', { status: moving({ phase: 'Succeeded' }) });
  return one;
}

/** The lines for these words, the last of which is being typed. */
async function next(one: Desk, ...words: string[]): Promise<string[]> {
  const around = one.surroundings();
  one.out = '';
  expect(await runProgram(createProgram(around), ['__complete', ...words], around)).toBe(0);
  return one.out.trimEnd().split('\n');
}

describe('what may come next', () => {
  it.each<[string[], string[]]>([
    [['re'], ['retained\tlist the old disks that are kept after moves, their size, and until when', 'resume\tlet a paused set go on, or a frozen move', 'reverse\ttake a move back by a move in the other direction, with every write since', 'restore-source\tput the old disk back in place of the new one', 'release\tlet go of a frozen move', ':4']],
    [['status', 'w'], ['web', 'worker', ':4']],
    [['status', 'web', 'd'], ['db', ':4']],
    [['status', '--w'], ['--watch\tgo on showing it as it changes', ':4']],
    [['status', '-o', ''], ['table', 'json', 'yaml', ':4']],
    [['status', '-n', 's'], ['shop', ':4']],
    [['status', '--output=j'], ['json', ':4']],
    [['status', '--namespace=s'], ['shop', ':4']],
    [['status', '--watch=s'], [':4']],
    [['status', '--kubeconfig=/etc/k'], [':0']],
    [['status', '--context', ''], ['prod "eu"', ':4']],
    [['doctor', '--context=prod'], ['prod "eu"', ':4']],
    [['migrate', 'web', ''], ['0', '1', '2', ':4']],
    [['migrate', 'web', '1', ''], ['cn-beijing-h', 'cn-beijing-i', ':4']],
    [['migrate', 'web', '1', 'cn-beijing-i', ''], [':4']],
    [['abort', ''], ['web-2-bcdfg\tweb-2 to cn-beijing-i createDisk', ':4']],
    [['evacuate', ''], ['cn-beijing-h', 'cn-beijing-i', ':4']],
    [['completion', ''], ['bash', 'zsh', 'fish', ':4']],
    [['help', 'doc'], ['doctor\tlook for what keeps moves from working, now or one day', ':4']],
    [['plan', '-f', ''], [':0']],
    [['nonsense', ''], [':4']],
  ])('after %j', async (words, lines) => {
    expect(await next(desk(), ...words)).toEqual(lines);
  });

  it('is of the namespace that was named', async () => {
    const one = desk();
    one.api.put(statefulSets, { ...statefulSet({ name: 'cart', namespace: 'shop' }) });
    expect(await next(one, 'status', '--namespace', 'shop', '')).toEqual(['cart', ':4']);
    expect(await next(one, 'status', '--namespace=shop', '')).toEqual(['cart', ':4']);
  });

  it.each<[string[], Record<string, string>, object]>([
    [['status', '--kubeconfig', '~/two', '--context=eu', ''], { HOME: '/home/me' }, { kubeconfig: '/home/me/two', context: 'eu' }],
    [['status', ''], { ZONESPREAD_KUBECONFIG: '/etc/k' }, { kubeconfig: '/etc/k' }],
    [['status', '--kubeconfig', 'mine', ''], { ZONESPREAD_KUBECONFIG: '/etc/k' }, { kubeconfig: 'mine' }],
    [['status', '-n', ''], {}, {}],
  ])('is of the cluster that the verb itself would ask: %j, %j', async (words, environment, asked) => {
    const one = desk();
    const around = one.surroundings({ environment });
    const connections: object[] = [];
    const connect: typeof around.connect = (where) => {
      connections.push(where);
      return around.connect(where);
    };
    expect(await runProgram(createProgram(around), ['__complete', ...words], { ...around, connect })).toBe(0);
    expect(connections).toEqual([asked]);
  });

  it('is nothing where the cluster does not answer, and no word about it', async () => {
    const one = desk();
    one.http.intercept = () => Promise.reject(new Error('connect ECONNREFUSED'));
    expect(await next(one, 'status', '')).toEqual([':4']);
    expect(one.error).toBe('');
  });
});

describe('the scripts', () => {
  it.each(['bash', 'zsh', 'fish'])('of %s are printed, and ask the program', async (shell) => {
    const said = await desk().type(`completion ${shell}`);
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toContain('zonespread __complete');
  });

  it('of another shell do not exist', async () => {
    expect(await desk().type('completion tcsh')).toMatchObject({ code: 2, error: expect.stringContaining('Allowed choices are bash, zsh, fish') as string });
  });
});
