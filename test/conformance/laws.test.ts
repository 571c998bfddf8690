// The laws see what is wrong in a history, and nothing in one that is well.

import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import type { Moment } from './chronicle.ts';
import { lawsBroken } from './laws.ts';

type Told = [subject: string, state: string, object?: Partial<KubernetesObject>];

const NODE = { spec: { nodeName: 'n1', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } };
const GATED = { spec: { volumes: NODE.spec.volumes } };
const claimOf = (uid: string, volumeName: string): Partial<KubernetesObject> => ({ metadata: { name: 'data', uid }, spec: { volumeName } });
const volumeOf = (name: string, uid: string): Partial<KubernetesObject> => ({ metadata: { name }, spec: { claimRef: { uid } } });
const attachmentOn = (nodeName: string): Partial<KubernetesObject> => ({ spec: { nodeName, source: { persistentVolumeName: 'pv' } } });

function history(...told: Told[]): Moment[] {
  return told.map(([subject, state, object = {}], revision) => ({ subject, state, revision, object: { metadata: { name: subject.replace(/^\w+ /, '').replace(/#\d+$/, '') }, ...object } as KubernetesObject }));
}

const WELL: Told[] = [
  ['claim data#1', 'Pending', claimOf('u1', '')],
  ['pod one#1', 'waiting', GATED],
  ['volume pv', 'Available for data#1', volumeOf('pv', 'u1')],
  ['claim data#1', 'Binding of pv', claimOf('u1', 'pv')],
  ['pod one#1', 'scheduled', NODE],
  ['claim data#1', 'Bound of pv', claimOf('u1', 'pv')],
  ['attachment pv#1', 'asked for', attachmentOn('n1')],
  ['attachment pv#1', 'attached', attachmentOn('n1')],
  ['pod one#1', 'ready', NODE],
  ['pod one#1', 'gone', NODE],
  ['claim data#1', 'gone', claimOf('u1', 'pv')],
  ['attachment pv#1', 'gone', attachmentOn('n1')],
  ['volume pv', 'Released by data#1', volumeOf('pv', 'u1')],
  ['attachment pv#2', 'asked for', attachmentOn('n2')],
];

/** The same history with one moment at another place. */
function moved(subject: string, state: string, to: number): Told[] {
  const at = WELL.findIndex((told) => told[0] === subject && told[1] === state);
  const rest = WELL.filter((_, index) => index !== at);
  return [...rest.slice(0, to), WELL[at]!, ...rest.slice(to)];
}

describe('a history', () => {
  it('of a pod with its disk, from the first to the last, is well', () => {
    expect(lawsBroken(history(...WELL))).toEqual([]);
  });

  it.each([
    ['a pod that is scheduled before its claim is bound', moved('pod one#1', 'scheduled', 2), 'pod one#1 was scheduled before its claim data was bound'],
    ['a claim that is bound before a volume names it', moved('volume pv', 'Available for data#1', 6), 'claim data#1 was Bound of pv before any volume named it'],
    ['a volume that is Released while its claim is there', moved('volume pv', 'Released by data#1', 8), 'volume pv was Released by data#1 before that was gone'],
    ['a claim that goes while its pod runs', moved('claim data#1', 'gone', 9), 'claim data#1 was gone while pod one#1 was on a node'],
    ['a pod that runs before its disk is attached', moved('attachment pv#1', 'attached', 8), 'pod one#1 ran before the disk of data was attached'],
    ['a disk on two nodes', moved('attachment pv#2', 'asked for', 11), 'attachment pv#2 was on two nodes at once'],
  ])('with %s is not', (_what, told, sentence) => {
    expect(lawsBroken(history(...told))).toContain(sentence);
  });
});
