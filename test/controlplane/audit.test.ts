// Reading the audit log: a write is one answered request, and a half-written line is none.
import { expect, test } from 'vitest';
import { auditPolicyWithRequestsOf, parseAuditLog, parseRequests } from './audit.ts';

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
      authorized: true,
      atMs: Date.parse('2026-01-02T03:04:05.678Z'),
    },
  ]);
});

test('a refusal for want of a right is told from another one', () => {
  const refused = (decision: string): string => event({ responseStatus: { code: 403 }, annotations: { 'authorization.k8s.io/decision': decision } });
  expect(parseAuditLog(`${refused('forbid')}\n${refused('allow')}\n`).map(({ authorized }) => authorized)).toEqual([false, true]);
});

test('a line that is still being written waits for the next reading', () => {
  const half = event({ user: { username: 'bob' } }).slice(0, 40);
  expect(parseAuditLog(`${event({})}\n${half}`).map(({ user }) => user)).toEqual(['alice']);
  expect(parseAuditLog(half)).toEqual([]);
});

test('other stages of the same request count once', () => {
  expect(parseAuditLog(`${event({ stage: 'ResponseStarted' })}\n${event({})}\n`)).toHaveLength(1);
});

test('reads are requests, and no writes; a watch is one as soon as it is open', () => {
  const log = [event({ verb: 'watch', stage: 'ResponseStarted' }), event({ verb: 'get' }), event({})].join('\n');
  expect(parseRequests(`${log}\n`).map(({ verb }) => verb)).toEqual(['watch', 'get', 'patch']);
  expect(parseAuditLog(`${log}\n`).map(({ verb }) => verb)).toEqual(['patch']);
});

test('the rule for the requests of some comes before the one that leaves reads out', () => {
  expect(auditPolicyWithRequestsOf(['one', 'two'])).toMatch(/rules:\n {2}- level: Metadata\n {4}userGroups: \["system:serviceaccounts:one","system:serviceaccounts:two"\]\n {2}- level: Metadata\n {4}verbs:/);
});
