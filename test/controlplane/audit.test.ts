// Reading the audit log: a write is one answered request, and a half-written line is none.
import { expect, test } from 'vitest';
import { parseAuditLog } from './audit.ts';

const event = (fields: object): string =>
  JSON.stringify({
    stage: 'ResponseComplete',
    verb: 'patch',
    requestURI: '/apis/apps/v1/namespaces/default/statefulsets/web/scale?dryRun=All&fieldManager=x',
    user: { username: 'alice' },
    userAgent: 'kubectl',
    objectRef: { resource: 'statefulsets', apiGroup: 'apps', namespace: 'default', name: 'web', subresource: 'scale' },
    responseStatus: { code: 200 },
    stageTimestamp: '2026-01-02T03:04:05.678900Z',
    ...fields,
  });

test('a write is read with its author, object and outcome', () => {
  expect(parseAuditLog(`${event({})}\n`)).toEqual([
    {
      user: 'alice',
      userAgent: 'kubectl',
      verb: 'patch',
      group: 'apps',
      resource: 'statefulsets',
      subresource: 'scale',
      namespace: 'default',
      name: 'web',
      dryRun: true,
      code: 200,
      atMs: Date.parse('2026-01-02T03:04:05.678Z'),
    },
  ]);
});

test('a line that is still being written waits for the next reading', () => {
  const half = event({ user: { username: 'bob' } }).slice(0, 40);
  expect(parseAuditLog(`${event({})}\n${half}`).map(({ user }) => user)).toEqual(['alice']);
  expect(parseAuditLog(half)).toEqual([]);
});

test('other stages of the same request count once', () => {
  expect(parseAuditLog(`${event({ stage: 'ResponseStarted' })}\n${event({})}\n`)).toHaveLength(1);
});
