// What must be true at the end, and what speaks against it.

import { describe, expect, test } from 'vitest';
import { copyProblem, missingWrites, mostAtOnce, unreadySiblings, writesToSet, type Books, type Version } from '../../src/demo/evidence.ts';
import type { Pod, StatefulSet } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigration, Phase } from '../../src/migration/record.ts';

describe('no write is lost', () => {
  const written = (sequence: number, at: number, uid = 'old') => ({ pod: 'demo/web-5', uid, claim: 'data-web-5', diskId: 'd-old', sequence, at, text: `write ${sequence}` });
  const found = (...sequences: number[]) => sequences.map((sequence) => ({ writer: 'demo/web-5', sequence, at: sequence, text: `write ${sequence}` }));
  const others = (...sequences: number[]) => sequences.map((sequence) => ({ writer: 'demo/web-5', sequence, at: sequence, text: 'other' }));
  const start = { pod: 'demo/web-5', uid: 'new', node: 'node-b1', claim: 'data-web-5', diskId: 'd-new', at: 30, contentsLength: 2 };
  const books = (changes: Partial<Books>): Books => ({
    acknowledged: [written(1, 10), written(2, 20), written(3, 30, 'new')],
    starts: [start],
    contents: () => found(1, 2, 3),
    disks: new Map([['data-web-5', 'd-new']]),
    ...changes,
  });

  test('when each was on the disk that the next pod started with, and is there now', () => {
    expect(missingWrites(books({}))).toEqual([]);
  });

  test('a pod that started without one is named, with the write', () => {
    expect(missingWrites(books({ starts: [{ ...start, contentsLength: 1 }] }))).toEqual(['demo/web-5 started on d-new without write 2 of demo/web-5']);
  });

  test('a disk that does not have one any more is named', () => {
    expect(missingWrites(books({ starts: [], contents: () => found(1, 3) }))).toEqual(['d-new of claim data-web-5 does not have write 2 of demo/web-5']);
  });

  test('the same number by another writer is not the same write', () => {
    expect(missingWrites(books({ starts: [], contents: () => others(1, 2, 3) }))).toHaveLength(3);
  });

  test('a copy that begins otherwise than its source is no copy', () => {
    expect(copyProblem({ id: 'd-old', contents: found(1, 2) }, { id: 'd-new', contents: found(1, 2, 3) })).toBeUndefined();
    expect(copyProblem({ id: 'd-old', contents: found(1, 2) }, { id: 'd-new', contents: found(1, 3) })).toBe('d-new differs from d-old, which it was made from, at write 2');
    expect(copyProblem({ id: 'd-old', contents: found(1, 2) }, { id: 'd-new', contents: found(1) })).toContain('at write 2');
  });
});

describe('siblings stay Ready', () => {
  const moves = [move(5, 'Running', 10), move(5, 'Succeeded', 20), move(4, 'Running', 30), move(4, 'Succeeded', 40)];

  test('while only the pod under way is not', () => {
    expect(unreadySiblings({ moves, pods: [pod('web-5', false, 12), pod('web-5', true, 18), pod('web-4', false, 31)], since: 5 })).toEqual([]);
  });

  test('one that is not Ready during the move of another is named', () => {
    expect(unreadySiblings({ moves, pods: [pod('web-4', false, 15), pod('web-5', false, 35)], since: 5 })).toEqual(['web-4', 'web-5']);
  });

  test('a placeholder is none of them', () => {
    const placeholder = pod('zonespread-1234', false, 15);
    placeholder.object.metadata.labels = { 'zonespread.io/migration': '1234', 'zonespread.io/role': 'placeholder' };
    expect(unreadySiblings({ moves, pods: [placeholder], since: 5 })).toEqual([]);
  });

  test('one that is gone is named', () => {
    expect(unreadySiblings({ moves, pods: [{ ...pod('web-0', true, 15), deleted: true }], since: 5 })).toEqual(['web-0']);
  });

  test('a move that was rolled back lasts until its pod is Ready again, and no longer', () => {
    const rolledBack = [move(5, 'Running', 10), move(5, 'RollingBack', 14), move(5, 'RolledBack', 20)];
    const back = [pod('web-5', false, 15), pod('web-5', false, 22), pod('web-5', true, 25)];

    expect(unreadySiblings({ moves: rolledBack, pods: back, since: 5 })).toEqual([]);
    expect(unreadySiblings({ moves: rolledBack, pods: [...back, pod('web-5', false, 30)], since: 5 })).toEqual(['web-5']);
    expect(unreadySiblings({ moves: rolledBack, pods: [...back, pod('web-4', false, 22)], since: 5 })).toEqual(['web-4']);
  });

  test('an ordinal is not mistaken for one whose number ends like its own', () => {
    expect(unreadySiblings({ moves: [move(1, 'Running', 10)], pods: [pod('web-11', false, 15)], since: 5 })).toEqual(['web-11']);
  });

  test('what was before the beginning does not count', () => {
    expect(unreadySiblings({ moves, pods: [pod('web-0', false, 4)], since: 5 })).toEqual([]);
  });

  test('one at a time is counted, in whatever order the changes were heard of', () => {
    expect(mostAtOnce(moves)).toBe(1);
    expect(mostAtOnce([move(4, 'Running', 15), ...moves])).toBe(2);
    expect(mostAtOnce(moves.toReversed())).toBe(1);
  });
});

describe('the StatefulSet is not written', () => {
  const wanted = set();
  const managers = ['kubectl-annotate', 'kube-controller-manager'];

  test('while generation, annotations, labels and managers are as they were', () => {
    expect(writesToSet({ wanted, since: [state(wanted), state(set({ resourceVersion: '9' }))], managers, writes: [] })).toEqual([]);
  });

  test.each([
    ['its generation grows', set({ generation: 2 }), /generation 2/],
    ['somebody annotates it', set({ annotations: { 'zonespread.io/zones': 'a' } }), /annotations/],
    ['somebody labels it', set({ labels: { mine: 'yes' } }), /labels/],
    ['a stranger manages fields of it', set({ managedFields: [{ manager: 'zonespread' }] }), /^zonespread wrote/],
  ])('and it shows when %s', (_what, changed, problem) => {
    expect(writesToSet({ wanted, since: [state(changed)], managers, writes: [] })).toEqual([expect.stringMatching(problem)]);
  });

  test('and when the audit log has a write of ours', () => {
    expect(writesToSet({ wanted, since: [], managers, writes: [{ user: 'zonespread-controller', verb: 'patch' }] })).toEqual(['zonespread-controller: patch']);
  });
});

function pod(name: string, ready: boolean, revision: number): Version<Pod> {
  return { deleted: false, revision, object: { metadata: { name }, spec: {}, status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } } };
}

function move(ordinal: number, phase: Phase, revision: number): Version<OrdinalMigration> {
  const spec = { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal, targetZone: 'b' };
  return { deleted: false, revision, object: { metadata: { name: `web-${ordinal}-abcde` }, spec, status: { phase } } };
}

function set(metadata: Partial<StatefulSet['metadata']> = {}): StatefulSet {
  return { metadata: { name: 'web', uid: 'u', generation: 1, managedFields: [{ manager: 'kubectl-annotate' }, { manager: 'kube-controller-manager' }], ...metadata }, spec: { selector: {}, template: { spec: {} } } };
}

function state(object: StatefulSet): Version<StatefulSet> {
  return { deleted: false, object, revision: 1 };
}
