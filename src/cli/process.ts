// What both long-running verbs share with the system: who and where we are, the log, and the signals that end us.

import { existsSync, readFileSync } from 'node:fs';
import { createLog, type LogLevel } from '../observability/log.ts';
import type { Clock } from '../ports/clock.ts';
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

/** Ten seconds after SIGTERM we are gone, whatever hangs. */
const LAST_MS = 9_000;

/**
 * SIGTERM and SIGINT abort the signal; a second one ends the process at once. What is at hand has nine seconds: then the process ends as
 * if it had been killed, which records and locks are made for.
 */
export function untilTerminated(log: Log, clock: Clock): { signal: AbortSignal; aborted: Promise<void>; end(): void } {
  const controller = new AbortController();
  const over = new AbortController();
  const aborted = Promise.withResolvers<void>();
  const endAtLast = async (): Promise<void> => {
    await clock.sleep(LAST_MS, over.signal);
    if (over.signal.aborted) return;
    log.warn(`what was at hand has not ended within ${LAST_MS / 1000} s; it is left as it is, and whoever comes next goes on from there`);
    process.exit(0);
  };
  const onSignal = (name: string): void => {
    if (controller.signal.aborted) process.exit(1);
    log.info(`${name}: finishing what is at hand`);
    controller.abort();
    aborted.resolve();
    void endAtLast();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    signal: controller.signal,
    aborted: aborted.promise,
    end() {
      over.abort();
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}
