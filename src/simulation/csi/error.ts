// A refusal of the CSI driver with the gRPC code that tells the sidecars whether to retry, to give up or to reschedule.

/** The gRPC codes that the driver answers with. */
export type CsiCode = 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'RESOURCE_EXHAUSTED' | 'ABORTED' | 'INTERNAL' | 'UNKNOWN' | 'DEADLINE_EXCEEDED';

export class CsiError extends Error {
  readonly code: CsiCode;

  constructor(code: CsiCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CsiError';
    this.code = code;
  }
}
