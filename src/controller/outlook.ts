// What a replica knows of the sets, for people to look at: the leader from the watches that it works with, one that waits for the lease
// from a few of its own. Nothing is decided by it.

import type { RequestHandler } from 'express';
import type { KubernetesObject, Namespace, Resource, StatefulSet } from '../kubernetes/objects.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../kubernetes/reflector.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { Clock } from '../ports/clock.ts';
import { spreadReports, type SpreadReport } from './spread-report.ts';
import { trimMetadata, watchedSets, type Watches } from './watches.ts';
import { zoneEvacuations, type ZoneEvacuation } from './zone-evacuation.ts';

/** `starting`: the API server has not been asked for anything yet. */
export type Role = 'starting' | 'waiting' | 'leading';

export interface Sight {
  reports: readonly SpreadReport[];
  records: readonly OrdinalMigration[];
  evacuations: readonly ZoneEvacuation[];
  /** Only the leader watches sets and namespaces; of a replica that waits these are empty. */
  sets: readonly StatefulSet[];
  namespaces: readonly Namespace[];
}

export interface Outlook {
  readonly role: Role;
  /** Whether everything has been listed once. */
  readonly complete: boolean;
  /** How long the API server has said nothing; undefined: it never has. While all is well it is less than a minute. */
  silentMs(): number | undefined;
  see(): Sight;
  /** Told of every change, in the same turn: do little. Gives back what ends it. */
  onChange(listener: () => void): () => void;
}

/** What is served beside metrics and probes. */
export interface ServedPage {
  handler: RequestHandler;
  /** Lets go of everybody who looks on. */
  end(): void;
}

export interface OutlookKeeper extends Outlook {
  /** For the lease: begins to watch what is shown. */
  wait(): void;
  /** From then on, as soon as those have been filled. */
  lead(watches: Watches): Promise<void>;
  stop(): Promise<void>;
}

type Shown = Pick<Watches, 'reports' | 'migrations' | 'evacuations'> & Partial<Pick<Watches, 'sets' | 'namespaces' | 'kruiseSets'>>;

export function createOutlook(options: Pick<ReflectorOptions<KubernetesObject>, 'http' | 'clock' | 'random' | 'log' | 'namespaces'>): OutlookKeeper {
  const watch = <T extends KubernetesObject>(resource: Resource<T>): Reflector<T> => createReflector<T>({ ...options, resource, trim: trimMetadata });
  const { clock } = options;
  const listeners = new Set<() => void>();
  const changed = (): void => listeners.forEach((listener) => listener());
  let role: Role = 'starting';
  let own: Shown | undefined;
  let shown: Shown | undefined;

  const show = (next: Shown): void => {
    shown = next;
    for (const one of all(next)) one.onChange(changed);
    void Promise.all(all(next).map(({ synced }) => synced)).then(changed);
  };
  const stopOwn = async (): Promise<void> => {
    const ending = own;
    own = undefined;
    await Promise.all(ending === undefined ? [] : all(ending).map((one) => one.stop()));
  };

  return {
    get role() {
      return role;
    },
    get complete() {
      return shown !== undefined && all(shown).every(({ hasSynced }) => hasSynced);
    },
    silentMs: () => (shown === undefined ? undefined : longestSilence(all(shown), clock)),
    see: () => (shown === undefined ? { reports: [], records: [], evacuations: [], sets: [], namespaces: [] } : sightOf(shown)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    wait() {
      role = 'waiting';
      own = { reports: watch(spreadReports), migrations: watch(ordinalMigrations), evacuations: watch(zoneEvacuations) };
      for (const one of all(own)) one.start();
      show(own);
    },
    async lead({ reports, migrations, evacuations, sets, namespaces, kruiseSets }) {
      const next: Shown = { reports, migrations, evacuations, sets, namespaces, kruiseSets };
      const filled = await Promise.all(all(next).map(({ synced }) => synced));
      if (!filled.every(Boolean)) return;
      role = 'leading';
      show(next);
      await stopOwn();
    },
    stop: stopOwn,
  };
}

function sightOf({ reports, migrations, evacuations, sets, kruiseSets, namespaces }: Shown): Sight {
  return {
    reports: reports.list(),
    records: migrations.list(),
    evacuations: evacuations.list(),
    sets: sets === undefined ? [] : watchedSets({ sets, kruiseSets }).filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    namespaces: namespaces?.list() ?? [],
  };
}

function all(shown: Shown): Reflector<KubernetesObject>[] {
  return Object.values(shown).filter((one): one is Reflector<KubernetesObject> => one !== undefined);
}

function longestSilence(watches: readonly Reflector<KubernetesObject>[], clock: Clock): number | undefined {
  const contacts = watches.map(({ lastContact }) => lastContact);
  return contacts.includes(undefined) ? undefined : clock.monotonic() - Math.min(...contacts.filter((contact) => contact !== undefined));
}
