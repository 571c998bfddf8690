// Which error of the ECS API means what. Pure: one table, first match wins.

/**
 * `retry`: not done, ask again later. `unknown`: nobody knows whether it was done; ask again with the same token. `gone`: the thing that
 * the call was about does not exist. `tokenMismatch`: the token stands for other parameters. `forceNeeded`: the snapshot has made disks.
 * The rest is final: nothing was done, and asking again will not help.
 */
export type Meaning = 'retry' | 'unknown' | 'gone' | 'tokenMismatch' | 'forceNeeded' | 'zoneUnavailable' | 'quota' | 'snapshotImpossible' | 'refused';

export interface CloudFailure {
  meaning: Meaning;
  /** The API's code, the system's (`ECONNRESET`), or `Unknown` when there was none. */
  code: string;
  /** For people: the API's own words, with the request id where there is one. */
  message: string;
  /** How long the cloud asks to wait, in ms. */
  retryAfterMs: number | undefined;
}

/** A `*` at the end stands for anything. The exact codes of a family come before the family. */
const MEANINGS: readonly (readonly [pattern: string, meaning: Meaning])[] = [
  // Busy, not done. Concurrent snapshots are the one quota that waiting frees.
  ['Throttling*', 'retry'],
  ['QuotaExceed.ConcurrentSnapshotQuota', 'retry'],
  ['IncorrectDiskStatus.CreatingSnapshot', 'retry'],
  ['DISK_HAS_CREATING_SNAPSHOT', 'retry'],
  ['IncorrectDiskStatus.Transferring', 'retry'],
  ['IncorrectDiskStatus.Initializing', 'retry'],
  ['DiskCreatingSnapshot', 'retry'],
  ['InvalidSnapshot.NotReady', 'retry'],
  ['InvalidSnapshotId.NotReady', 'retry'],
  ['OperationConflict', 'retry'],
  // Credentials that expired between two renewals, and clocks that are off: the next call may be right.
  ['InvalidSecurityToken.*', 'retry'],
  ['InvalidTimeStamp.Expired', 'retry'],
  ['CredentialsUnavailable', 'retry'],

  // The first call with this token is, or may be, at work.
  ['IdempotentProcessing', 'unknown'],
  ['LastTokenProcessing', 'unknown'],
  ['InternalError', 'unknown'],
  ['ServiceUnavailable', 'unknown'],
  ['SignatureNonceUsed', 'unknown'],
  ['IdempotentParameterMismatch', 'tokenMismatch'],

  ['IncorrectDiskStatus.NeverAttached', 'snapshotImpossible'],
  ['IncorrectDiskStatus.NeverUsed', 'snapshotImpossible'],
  ['DiskInArrears', 'snapshotImpossible'],
  ['InvalidAccountStatus.*', 'snapshotImpossible'],
  ['DiskCategory.OperationNotSupported', 'snapshotImpossible'],
  ['SnapshotCreatedDisk', 'forceNeeded'],
  // Attaching, detaching or in use: it may pass.
  ['IncorrectDiskStatus*', 'retry'],

  ['QuotaExceed.*', 'quota'],
  ['QuotaExceed', 'quota'],

  ['InvalidDataDiskCategory.NotSupported', 'zoneUnavailable'],
  ['InvalidDataDiskCategory.ValueNotSupported', 'zoneUnavailable'],
  ['InvalidDiskCategory.NotSupported', 'zoneUnavailable'],
  ['InvalidPerformanceLevel.ValueNotSupported', 'zoneUnavailable'],
  ['Zone.NotOnSale', 'zoneUnavailable'],
  ['OperationDenied*', 'zoneUnavailable'],
  ['InvalidZoneId.NotFound', 'zoneUnavailable'],

  ['InvalidDiskId.NotFound', 'gone'],
  ['InvalidSnapshotId.NotFound', 'gone'],
  ['InvalidResourceId.NotFound', 'gone'],
];

/** Reads whatever the SDK (or a simulation of it) has thrown. */
export function understood(error: unknown): CloudFailure {
  const thrown: Thrown = error instanceof Error ? error : { message: String(error) };
  const code = codeOf(thrown);
  return {
    meaning: meaningOf(code, thrown.statusCode),
    code,
    message: wordsOf(thrown, code),
    retryAfterMs: typeof thrown.retryAfter === 'number' ? thrown.retryAfter : undefined,
  };
}

interface Thrown {
  name?: string;
  message: string;
  code?: unknown;
  statusCode?: unknown;
  retryAfter?: unknown;
}

/** Time-outs and resets come with the whole URL, every parameter of the call in it. */
function wordsOf(thrown: Thrown, code: string): string {
  const words = thrown.message.replaceAll(/\?\S+/g, '').replace(/ECONNRESET(?=POST)/, 'ECONNRESET, ');
  return words === '' ? `${code}, without a word of explanation` : words;
}

/** A refusal needs a code and a 4xx status of the API; whatever else came back leaves the outcome open. */
function meaningOf(code: string, statusCode: unknown): Meaning {
  const listed = MEANINGS.find(([pattern]) => matches(pattern, code))?.[1];
  if (listed !== undefined) return listed;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 && code !== 'Unknown' ? 'refused' : 'unknown';
}

function matches(pattern: string, code: string): boolean {
  return pattern.endsWith('*') ? code.startsWith(pattern.slice(0, -1)) : code === pattern;
}

/** The SDK writes "undefined" for an error body without a code, and only a name for a time-out. */
function codeOf({ code, name }: Thrown): string {
  if (typeof code === 'string' && code !== '' && code !== 'undefined') return code;
  return name === 'RequestTimeoutError' || name === 'SyntaxError' ? name : 'Unknown';
}
