// Which error of the ECS API means what.

import { describe, expect, it } from 'vitest';
import { type Meaning, understood } from '../../src/alicloud/errors.ts';

const MEANINGS: Record<Meaning, string[]> = {
  retry: [
    'Throttling',
    'Throttling.User',
    'Throttling.Api',
    'QuotaExceed.ConcurrentSnapshotQuota',
    'IncorrectDiskStatus',
    'IncorrectDiskStatus.CreatingSnapshot',
    'IncorrectDiskStatus.Transferring',
    'IncorrectDiskStatus.Initializing',
    'DISK_HAS_CREATING_SNAPSHOT',
    'DiskCreatingSnapshot',
    'InvalidSnapshot.NotReady',
    'InvalidSnapshotId.NotReady',
    'InvalidSecurityToken.Expired',
  ],
  unknown: ['IdempotentProcessing', 'LastTokenProcessing', 'InternalError', 'ServiceUnavailable', 'ECONNREFUSED', 'ECONNRESET'],
  tokenMismatch: ['IdempotentParameterMismatch'],
  snapshotImpossible: [
    'IncorrectDiskStatus.NeverAttached',
    'IncorrectDiskStatus.NeverUsed',
    'DiskInArrears',
    'InvalidAccountStatus.NotEnoughBalance',
    'InvalidAccountStatus.SnapshotServiceUnavailable',
    'DiskCategory.OperationNotSupported',
  ],
  quota: ['QuotaExceed.Snapshot', 'QuotaExceed.SnapshotCount', 'QuotaExceed.DiskCapacity'],
  zoneUnavailable: [
    'InvalidDataDiskCategory.NotSupported',
    'InvalidDataDiskCategory.ValueNotSupported',
    'InvalidDiskCategory.NotSupported',
    'InvalidPerformanceLevel.ValueNotSupported',
    'Zone.NotOnSale',
    'OperationDenied',
    'OperationDenied.NoStock',
    'InvalidZoneId.NotFound',
  ],
  gone: ['InvalidDiskId.NotFound', 'InvalidSnapshotId.NotFound', 'InvalidResourceId.NotFound'],
  forceNeeded: ['SnapshotCreatedDisk'],
  refused: ['InvalidDiskSize.NotSupported', 'Forbidden.RAM', 'NumberExceed.Tags', 'SomethingNew'],
};

function apiError(code: string, statusCode: number, more: object = {}): Error {
  return Object.assign(new Error(`${code}: no`), { code, statusCode, ...more });
}

describe('an error of the API', () => {
  const cases = Object.entries(MEANINGS).flatMap(([meaning, codes]) => codes.map((code) => [code, meaning] as const));
  it.each(cases)('%s means %s', (code, meaning) => {
    const statusCode = code.startsWith('ECONN') ? undefined : 403;
    expect(understood(Object.assign(new Error('no'), { code, ...(statusCode === undefined ? {} : { statusCode }) }))).toMatchObject({ meaning, code });
  });

  it('of the 5xx kind leaves the outcome open whatever its code', () => {
    expect(understood(apiError('SomethingNew', 502)).meaning).toBe('unknown');
  });

  it('carries how long the cloud asks to wait', () => {
    expect(understood(apiError('Throttling.User', 400, { retryAfter: 700 }))).toMatchObject({ meaning: 'retry', retryAfterMs: 700 });
  });
});

describe('an error without an answer of the API', () => {
  const timeout = Object.assign(new Error('ReadTimeout: 20000. POST /?RegionId=r&ClientToken=t failed.'), { name: 'RequestTimeoutError' });
  it.each([
    ['a time-out', timeout, 'RequestTimeoutError'],
    ['a body that is no JSON', new SyntaxError('Unexpected end of JSON input'), 'SyntaxError'],
    ['a body without a code', apiError('undefined', 502), 'Unknown'],
    ['a 4xx body without a code', apiError('undefined', 400), 'Unknown'],
    ['something that is no error', 'boom', 'Unknown'],
    ['a plain bug', new TypeError('cannot read'), 'Unknown'],
  ])('%s leaves the outcome open', (_what, error, code) => {
    expect(understood(error)).toMatchObject({ meaning: 'unknown', code });
  });

  it('is told without the parameters of the call', () => {
    expect(understood(timeout).message).toBe('ReadTimeout: 20000. POST / failed.');
  });
});
