// What the product says to whoever reads its logs. pino stands behind it (observability/log.ts); tests listen in.

/** Facts beside the sentence. An `error` field is written with its stack and causes. */
export type LogFields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log, with these fields on every line. */
  child(fields: LogFields): Log;
}
