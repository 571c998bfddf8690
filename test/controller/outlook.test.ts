// What a replica sees: of its own while it waits for the lease, of the daemon's watches once it leads.

import { afterEach, describe, expect, it } from 'vitest';
import { createOutlook, type OutlookKeeper } from '../../src/controller/outlook.ts';
import { spreadReports } from '../../src/controller/spread-report.ts';
import { allWatches, createWatches, type Watches } from '../../src/controller/watches.ts';
import { zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import { statefulSets } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { statefulSet } from '../builders/kubernetes.ts';
import { EVEN } from '../cli/command-line-of.ts';
import { FakeApi } from '../fakes/api.ts';
import { ApiHttp } from '../fakes/api-http.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';

class Replica {
  readonly clock = new FakeClock();
  readonly api = new FakeApi({ clock: this.clock });
  readonly http = new ApiHttp(this.api, [ordinalMigrations, spreadReports, zoneEvacuations]);
  readonly options = { http: this.http, clock: this.clock, random: new SeededRandom(1), log: new FakeLog(), namespaces: undefined };
  readonly outlook: OutlookKeeper = createOutlook(this.options);
  watches: Watches | undefined;

  constructor() {
    this.report('web');
    this.api.put(statefulSets, statefulSet({ name: 'web' }));
  }

  report(name: string): void {
    this.api.put(spreadReports, { metadata: { namespace: 'db', name }, status: EVEN });
  }

  get reports(): string[] {
    return this.outlook.see().reports.map(({ metadata }) => metadata.name);
  }

  /** Of the kinds that were asked for and not let go of. */
  watching(): string[] {
    return this.http.requests.filter(({ path, signal }) => path.includes('watch=') && signal?.aborted !== true).map(({ path }) => new URL(path, 'http://api').pathname.split('/').at(-1) ?? '');
  }

  lead(): Promise<void> {
    this.watches = createWatches({ ...this.options, kruise: false });
    return this.outlook.lead(this.watches);
  }

  async stop(): Promise<void> {
    await Promise.all([this.outlook.stop(), ...(this.watches === undefined ? [] : allWatches(this.watches).map((watch) => watch.stop()))]);
  }
}

const replicas: Replica[] = [];

function aReplica(): Replica {
  const replica = new Replica();
  replicas.push(replica);
  return replica;
}

afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.stop();
});

describe('a replica', () => {
  it('sees nothing while it starts, and says so', () => {
    const { outlook } = aReplica();
    expect([outlook.role, outlook.complete, outlook.silentMs(), outlook.see()]).toEqual(['starting', false, undefined, { reports: [], records: [], evacuations: [], sets: [], namespaces: [] }]);
  });

  it('that waits for the lease watches reports, records and evacuations, and nothing else', async () => {
    const replica = aReplica();
    replica.outlook.wait();
    await replica.clock.until(() => replica.outlook.complete);
    expect([replica.outlook.role, replica.reports, replica.outlook.see().sets]).toEqual(['waiting', ['web'], []]);
    expect(replica.watching().toSorted()).toEqual(['ordinalmigrations', 'spreadreports', 'zoneevacuations']);
    expect(replica.outlook.silentMs()).toBeLessThan(60_000);
  });

  it('tells of changes while it waits', async () => {
    const replica = aReplica();
    replica.outlook.wait();
    await replica.clock.until(() => replica.outlook.complete);
    let changes = 0;
    const end = replica.outlook.onChange(() => (changes += 1));
    replica.report('cache');
    await replica.clock.until(() => replica.reports.length === 2);
    expect(changes).toBe(1);
    end();
    replica.report('queue');
    await replica.clock.until(() => replica.reports.length === 3);
    expect(changes).toBe(1);
  });

  it('that comes to lead shows what it waited with until its watches are filled, then lets go of that', async () => {
    const replica = aReplica();
    replica.outlook.wait();
    await replica.clock.until(() => replica.outlook.complete);
    const leading = replica.lead();
    expect([replica.outlook.role, replica.reports]).toEqual(['waiting', ['web']]);
    for (const watch of allWatches(replica.watches!)) watch.start();
    await replica.clock.settle(leading);
    expect([replica.outlook.role, replica.outlook.complete, replica.outlook.see().sets.map(({ metadata }) => metadata.name)]).toEqual(['leading', true, ['web']]);
    expect(replica.watching().filter((kind) => kind === 'spreadreports')).toHaveLength(1);
    let changes = 0;
    replica.outlook.onChange(() => (changes += 1));
    replica.report('cache');
    await replica.clock.until(() => replica.reports.length === 2);
    expect(changes).toBe(1);
  });

  it('that is stopped before its watches are filled does not say that it leads', async () => {
    const replica = aReplica();
    const leading = replica.lead();
    await replica.stop();
    await leading;
    expect(replica.outlook.role).toBe('starting');
  });
});
