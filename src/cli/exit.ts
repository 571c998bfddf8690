// How a verb ends when it does not end well: its exit code, and what is said about it on standard error.

export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;
/** Nothing is broken, but what was asked cannot be now, with the reason. */
export const BLOCKED = 3;

/** An empty message: everything has been said. */
export class VerbEnded extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.name = 'VerbEnded';
    this.exitCode = exitCode;
  }
}

export function failed(message: string): VerbEnded {
  return new VerbEnded(FAILED, message);
}

export function wrongUsage(message: string): VerbEnded {
  return new VerbEnded(WRONG_USAGE, message);
}

export function blocked(message: string): VerbEnded {
  return new VerbEnded(BLOCKED, message);
}
