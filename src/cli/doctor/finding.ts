// What the doctor finds: each with what to do about it, and what every check is given to look at.

import type { Api } from '../../kubernetes/api.ts';
import type { StatefulSet } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EcsCall } from '../../ports/ecs-call.ts';
import type { Http } from '../../ports/http.ts';

/** `problem`: moves will fail or never start. `warning`: something will bite one day. `unknown`: it could not be looked at. */
export type Level = 'ok' | 'warning' | 'problem' | 'unknown';

export interface Finding {
  level: Level;
  /** A sentence without its end. */
  message: string;
  /** What to do; commands as one types them. */
  fix?: string;
}

export interface Patient {
  api: Api;
  http: Http;
  clock: Clock;
  /** By how much this machine's clock is ahead of the API server's, in ms; undefined when that does not say what time it is. */
  skewMs: number | undefined;
  /** Where something harmless may be tried by dry run. */
  namespace: string;
  /** Of the controller's lease. */
  leaseNamespace: string;
  /** Those that declare zones themselves. */
  sets: readonly StatefulSet[];
  /** Undefined: it is not to be asked. */
  cloud: { call: EcsCall; region: string } | { silent: string } | undefined;
}

/** One thing to look at; what it cannot see keeps the others from nothing. */
export type Look = (patient: Patient) => Promise<Finding[]>;

export interface Check {
  area: string;
  looks: readonly Look[];
}

export const ok = (message: string): Finding => ({ level: 'ok', message });
export const warning = (message: string, fix: string): Finding => ({ level: 'warning', message, fix });
export const problem = (message: string, fix: string): Finding => ({ level: 'problem', message, fix });
export const unknown = (message: string, fix: string): Finding => ({ level: 'unknown', message, fix });
