// What both long-running verbs share with the system: who and where we are, the log, and the signals that end us.

import { existsSync, readFileSync } from 'node:fs';
import { createLog, type LogLevel } from '../observability/log.ts';
import type { Log } from '../ports/log.ts';

export const VERSION: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const SERVICE_ACCOUNT_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Our pod's namespace, or, outside a cluster, the one of the documentation. */
export function ownNamespaceOf(): string {
  return existsSync(SERVICE_ACCOUNT_NAMESPACE) ? readFileSync(SERVICE_ACCOUNT_NAMESPACE, 'utf8').trim() : 'zonespread-system';
}

export function startLog(component: string, level: string): Log {
  return createLog({ level: level as LogLevel, fields: { component } });
}

/** SIGTERM and SIGINT abort the signal; a second one ends the process at once. */
export function untilTerminated(log: Log): { signal: AbortSignal; aborted: Promise<void>; end(): void } {
  const controller = new AbortController();
  const aborted = Promise.withResolvers<void>();
  const onSignal = (name: string): void => {
    if (controller.signal.aborted) process.exit(1);
    log.info(`${name}: finishing what is at hand`);
    controller.abort();
    aborted.resolve();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    signal: controller.signal,
    aborted: aborted.promise,
    end() {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}
