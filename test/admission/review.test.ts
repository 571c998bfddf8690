// Reviews off the wire, and answers onto it.

import { describe, expect, test } from 'vitest';
import { actorOf, controllerIdentity } from '../../src/admission/actors.ts';
import { allow, deny, patched } from '../../src/admission/decision.ts';
import { listenAddress } from '../../src/admission/listen.ts';
import { answerOf, MalformedReview, reviewOf } from '../../src/admission/review.ts';
import { claim, creating, deleting, onTheWire, pod, scaleOf, updating, volume } from './builders.ts';

describe('a review', () => {
  test.each([
    ['a create', creating(pod())],
    ['an update', updating(claim(), claim())],
    ['a delete under a UID', deleting(volume(), { uidPrecondition: 'uid-1' })],
    ['a scaling', updating(scaleOf(3), scaleOf(1))],
  ])('of %s is read as it was asked', (_what, review) => {
    expect(reviewOf(JSON.parse(JSON.stringify(onTheWire(review))))).toEqual(review);
  });

  test('of a deletecollection, which names nothing, is about the object that is deleted', () => {
    const wire = onTheWire(deleting(claim())) as { request: { name?: string } };
    delete wire.request.name;
    expect(reviewOf(wire).name).toBe('data-web-2');
  });

  test('of a pod that has no name yet is read all the same', () => {
    const unnamed = creating({ apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'job-' } as never });
    expect(reviewOf({ ...onTheWire(unnamed), request: { ...(onTheWire(unnamed) as { request: object }).request, name: undefined } }).name).toBe('');
  });

  test('keeps of an object what nobody here knows', () => {
    expect(reviewOf(onTheWire(creating(pod({ spec: { brandNew: { field: 1 } } })))).object).toMatchObject({ spec: { brandNew: { field: 1 } } });
  });

  test.each([
    ['nothing', undefined],
    ['a list', []],
    ['another kind', { apiVersion: 'v1', kind: 'Pod' }],
    ['another version', { ...onTheWire(creating(pod())), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['no request', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }],
    ['an operation of tomorrow', { ...onTheWire(creating(pod())), request: { ...(onTheWire(creating(pod())) as { request: object }).request, operation: 'MOVE' } }],
    ['an object that is a text', { ...onTheWire(creating(pod())), request: { ...(onTheWire(creating(pod())) as { request: object }).request, object: 'pod' } }],
  ])('made of %s is malformed', (_what, body) => {
    expect(() => reviewOf(body)).toThrow(MalformedReview);
  });
});

describe('an answer', () => {
  test('allows with nothing more to say', () => {
    expect(answerOf('u', allow())).toEqual({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'u', allowed: true } });
  });

  test('carries its patch in base64', () => {
    const patch = [{ op: 'add' as const, path: '/spec/x', value: 'ü' }];
    const { response } = answerOf('u', patched('gate', patch, ['mind'])) as { response: { patch: string; [field: string]: unknown } };
    expect(response).toMatchObject({ uid: 'u', allowed: true, patchType: 'JSONPatch', warnings: ['mind'] });
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(patch);
  });

  test.each([[403, 'Forbidden'], [409, 'Conflict'], [500, 'InternalError']] as const)('refuses with %i and reason %s', (code, reason) => {
    expect(answerOf('u', deny('rule', 'no', code))).toMatchObject({ response: { uid: 'u', allowed: false, status: { status: 'Failure', message: 'no', code, reason } } });
  });
});

describe('who asks', () => {
  const daemon = 'system:serviceaccount:zonespread-system:zonespread-controller';
  const as = (username: string, groups: string[] = []): { username: string; groups: string[] } => ({ username, groups });

  test.each([
    [as('system:kube-controller-manager'), 'kubernetes'],
    [as('system:kube-scheduler'), 'kubernetes'],
    [as('system:apiserver'), 'kubernetes'],
    [as('system:serviceaccount:kube-system:statefulset-controller'), 'kubernetes'],
    [as('system:node:n1', ['system:nodes']), 'kubernetes'],
    [as(daemon), 'ourselves'],
    [as('system:serviceaccount:kube-systematic:x'), 'other'],
    [as('jane', ['system:masters']), 'other'],
    [as(''), 'other'],
  ] as const)('%o is %s', (user, actor) => {
    expect(actorOf(user, { username: daemon, dedicated: true })).toBe(actor);
  });

  test('a daemon in kube-system is ourselves, and not just any part of Kubernetes', () => {
    const inKubeSystem = 'system:serviceaccount:kube-system:zonespread';
    expect(actorOf(as(inKubeSystem), { username: inKubeSystem, dedicated: true })).toBe('ourselves');
  });

  test('a name is the daemon\'s own when it is a service account or declared, and shared otherwise', () => {
    expect(controllerIdentity(undefined, daemon)).toEqual({ username: daemon, dedicated: true });
    expect(controllerIdentity(undefined, 'kubernetes-admin')).toEqual({ username: 'kubernetes-admin', dedicated: false });
    expect(controllerIdentity('zonespread', 'kubernetes-admin')).toEqual({ username: 'zonespread', dedicated: true });
    expect(controllerIdentity(undefined, undefined)).toBeUndefined();
  });
});

describe('an address to listen at', () => {
  test.each([
    [':9443', { port: 9443 }],
    ['9443', { port: 9443 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:9443', { host: '::1', port: 9443 }],
  ])('%s', (text, address) => {
    expect(listenAddress(text)).toEqual(address);
  });

  test.each(['', ':', 'host', 'host:', ':70000', '::1:9443', 'https://x:1'])('"%s" is none', (text) => {
    expect(() => listenAddress(text)).toThrow('is no address to listen at');
  });
});
