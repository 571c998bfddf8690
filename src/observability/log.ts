// Logs as JSON lines, by pino behind ports/log.ts.

import { pino, stdSerializers, type DestinationStream, type Level, type Logger } from 'pino';
import { systemClock, type Clock } from '../ports/clock.ts';
import type { Log, LogFields } from '../ports/log.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Lines below it are left out. Default `info`. */
  level?: LogLevel;
  /** On every line, e.g. `{ component: 'controller' }`. */
  fields?: LogFields;
  /** Default: standard output, written before the call returns, so that nothing is lost at a sudden end. */
  destination?: DestinationStream;
  clock?: Clock;
}

export function createLog({ level = 'info', fields = {}, destination = pino.destination({ fd: 1, sync: true }), clock = systemClock }: LogOptions = {}): Log {
  const logger = pino(
    {
      level,
      base: fields,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause },
      // Whoever logs an object whole by mistake does not publish its credentials.
      redact: { paths: ['headers.authorization', '*.headers.authorization', 'accessKeySecret', '*.accessKeySecret', 'securityToken', '*.securityToken'], censor: '[hidden]' },
    },
    destination,
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  const write = (level: Level) => (message: string, fields: LogFields = {}) => logger[level](fields, message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(fields)),
  };
}
