// What is kept of a claim for the one that takes its place.

import { describe, expect, it } from 'vitest';
import { MIGRATION_LABEL, OVERRIDE_ANNOTATION, ROLE_LABEL, TOUCH_ANNOTATION } from '../../src/kubernetes/names.ts';
import { manifestOf, manifestSince } from '../../src/migration/claim-manifest.ts';
import { claim } from '../builders/kubernetes.ts';

const KEPT = manifestOf(claim({ name: 'data-web-0', labels: { app: 'web', team: 'db' }, annotations: { note: 'by hand' } }));

describe('what is kept of a claim', () => {
  it('is what people have put on it, not what a binding, a move or a permission has left there', () => {
    const marked = claim({
      name: 'data-web-0',
      labels: { app: 'web', [MIGRATION_LABEL]: 'uid-1', [ROLE_LABEL]: 'target' },
      annotations: { note: 'by hand', 'pv.kubernetes.io/bind-completed': 'yes', 'volume.kubernetes.io/selected-node': 'node-a', [TOUCH_ANNOTATION]: 'now', [OVERRIDE_ANNOTATION]: 'web-0-first' },
    });
    expect(manifestOf(marked)).toMatchObject({ labels: { app: 'web' }, annotations: { note: 'by hand' } });
    expect(Object.keys(manifestOf(marked).annotations)).toEqual(['note']);
    expect(Object.keys(manifestOf(marked).labels)).toEqual(['app']);
  });

  it('follows what people change, also what they take off', () => {
    const since = claim({ name: 'data-web-0', labels: { app: 'web', tier: 'gold' }, annotations: { note: 'later' } });
    expect(manifestSince(KEPT, since, { dressed: true })).toEqual({ ...KEPT, labels: { app: 'web', tier: 'gold' }, annotations: { note: 'later' } });
  });

  it('only grows by what is on a claim that was just made from its template, which lacks what people had put on the one before', () => {
    const bare = claim({ name: 'data-web-0', labels: { app: 'template', tier: 'gold' } });
    expect(manifestSince(KEPT, bare, { dressed: false })).toEqual({ ...KEPT, labels: { app: 'web', team: 'db', tier: 'gold' } });
  });

  it('and asks for the size that the move began with', () => {
    const larger = claim({ name: 'data-web-0' });
    larger.spec.resources = { requests: { storage: '400Gi' } };
    expect(manifestSince(KEPT, larger, { dressed: true }).spec).toEqual(KEPT.spec);
  });
});
