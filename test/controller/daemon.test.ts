import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runController, type ControllerSettings } from '../../src/controller/daemon.ts';
import { spreadReports } from '../../src/controller/spread-report.ts';
import { zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import { LeaseLost } from '../../src/kubernetes/leader-election.ts';
import { IN_FLIGHT_LABEL } from '../../src/kubernetes/names.ts';
import { events, leases, namespaces, pods } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, phaseOf } from '../../src/migration/record.ts';
import type { HttpResponse } from '../../src/ports/http.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { ApiHttp } from '../fakes/api-http.ts';
import { Scene, type SceneOptions } from './scene.ts';

const LEASE = { namespace: 'zonespread-system', name: 'zonespread' };

/** A daemon on a scene, over HTTP, with its own watches. */
class Daemon {
  readonly scene: Scene;
  readonly http: ApiHttp;
  readonly #stopping = new AbortController();
  #tick: (() => Promise<void>) | undefined;
  #running: Promise<void> | undefined;
  scheduled: string | undefined;

  constructor(options: SceneOptions = {}) {
    this.scene = new Scene(options);
    this.scene.api.put(namespaces, { metadata: { name: 'kube-system', uid: 'uid-kube-system' } });
    this.scene.api.groupVersions.set('zonespread.io/v1alpha1', ['ordinalmigrations', 'spreadreports', 'zoneevacuations']);
    this.http = new ApiHttp(this.scene.api, [ordinalMigrations, spreadReports, zoneEvacuations]);
  }

  start(settings: Partial<ControllerSettings> = {}): Promise<void> {
    const { scene } = this;
    this.#running = runController({
      http: this.http,
      disks: () => scene.disks,
      clock: scene.clock,
      random: scene.random,
      schedule: {
        every: (expression, task) => {
          this.scheduled = expression;
          this.#tick = task;
          return { stop: () => Promise.resolve((this.#tick = undefined)) };
        },
      },
      log: scene.log,
      metrics: scene.metrics,
      signal: this.#stopping.signal,
      settings: {
        leaseNamespace: LEASE.namespace,
        leaderElect: true,
        leaseTiming: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
        sweep: '*/5 * * * *',
        budgets: { atOnce: 2 },
        coolDownMs: 3_600_000,
        stepTimeoutMs: 600_000,
        reserving: { on: true, image: 'pause', prepull: false },
        namespaces: undefined,
        http: undefined,
        dryRun: false,
        ...settings,
      },
    });
    this.#running.catch(() => undefined); // Whoever awaits it hears of it.
    return this.#running;
  }

  async until(condition: () => boolean): Promise<void> {
    await this.scene.clock.until(condition, 60_000);
  }

  async leads(): Promise<void> {
    await this.until(() => this.#tick !== undefined);
    await this.scene.clock.advance(3_000);
  }

  async sweep(): Promise<void> {
    await this.scene.clock.settle(this.#tick?.() ?? Promise.reject(new Error('it does not sweep')));
    await this.scene.clock.advance(6_000);
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.scene.clock.settle(this.#running?.catch(() => undefined) ?? Promise.resolve());
  }
}

function unavailable(): HttpResponse {
  return refusal(503, 'ServiceUnavailable');
}

function refusal(code: number, reason: string): HttpResponse {
  const body = { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message: reason };
  return { status: code, headers: { 'content-type': 'application/json' }, body: Readable.from([Buffer.from(JSON.stringify(body))]) };
}

const daemons: Daemon[] = [];

function daemon(options?: SceneOptions): Daemon {
  const made = new Daemon(options);
  daemons.push(made);
  return made;
}

afterEach(async () => {
  for (const one of daemons.splice(0)) await one.stop();
});

describe('the daemon', () => {
  it('takes the lease, says who it is, and begins the move that the plan wants', async () => {
    const made = daemon();
    const { scene } = made;
    scene.addSet({ zones: ['a', 'a', 'a'] });
    void made.start();
    await made.until(() => scene.records().some((record) => phaseOf(record) === 'Running'));
    expect(scene.api.read(leases, LEASE)).toMatchObject({ metadata: { annotations: { 'zonespread.io/controller-user': scene.api.user } }, spec: { holderIdentity: expect.stringMatching(/^zonespread-/) as string } });
    expect(scene.records().map(({ spec, status }) => [spec.ordinal, status?.epoch])).toEqual([[2, scene.api.read(leases, LEASE)?.spec.leaseTransitions]]);
    expect(scene.status().inFlight).toHaveLength(1);
    expect(made.scheduled).toBe('*/5 * * * *');
    expect((await scene.metrics.expose(undefined)).text).toContain('zonespread_leader 1');
    await made.until(() => scene.api.readAll(events).length > 0);
    const [event] = scene.api.readAll(events);
    expect(event).toMatchObject({ source: { component: 'zonespread-controller' }, reportingInstance: scene.api.read(leases, LEASE)?.spec.holderIdentity });
  });

  it('stops on SIGTERM: what is at hand ends, the lease is free, nothing is written any more', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    const running = made.start();
    await made.until(() => made.scene.records().length > 0);
    await made.stop();
    await expect(running).resolves.toBeUndefined();
    expect(made.scene.api.read(leases, LEASE)?.spec.holderIdentity).toBe('');
    made.scene.api.forgetCalls();
    made.scene.annotate('web', { 'max-skew': '2' });
    await made.scene.clock.advance(600_000);
    expect(made.scene.api.calls).toEqual([]);
    expect((await made.scene.metrics.expose(undefined)).text).toContain('zonespread_leader 0');
  });

  it('stops on SIGTERM before it leads, and while its caches are being filled', async () => {
    const waiting = daemon();
    waiting.scene.api.put(leases, { metadata: LEASE, spec: { holderIdentity: 'another', leaseDurationSeconds: 15, leaseTransitions: 7 } });
    const running = waiting.start();
    await waiting.scene.clock.advance(1_000);
    await waiting.stop();
    await expect(running).resolves.toBeUndefined();

    const filling = daemon();
    filling.http.intercept = (request) => (request.path.includes('/pods') ? Promise.reject(new Error('no route')) : Promise.resolve(undefined));
    filling.scene.addSet({ zones: ['a', 'a', 'a'] });
    const filled = filling.start();
    await filling.scene.clock.advance(5_000);
    await filling.stop();
    await expect(filled).resolves.toBeUndefined();
    expect(filling.scene.writesBut('Lease')).toEqual([]);
    expect(filling.http.requests.filter(({ path }) => path.endsWith('/namespaces/kube-system'))).toEqual([]);
    expect(filling.scene.api.read(leases, LEASE)?.spec.holderIdentity).toBe('');
  });

  it('ends with LeaseLost when another one has taken the lease', async () => {
    const made = daemon();
    const running = made.start();
    await made.leads();
    made.scene.api.change(leases, LEASE, (lease) => (lease.spec = { ...lease.spec, holderIdentity: 'another', leaseTransitions: 999_999_999 }));
    await expect(made.scene.clock.settle(running)).rejects.toThrow(LeaseLost);
  });

  it('ends with LeaseLost when a record shows that a younger daemon is at work', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    made.scene.addRecord('web-2-x', { spec: { ordinal: 2 }, status: { phase: 'Running', step: 'snapshot', epoch: 2_000_000_000, statefulSetUID: 'uid-statefulset-web' } });
    await expect(made.scene.clock.settle(made.start())).rejects.toThrow('a daemon of epoch 2000000000 has written db/web-2-x');
  });

  it('says what is missing when the custom resources are not installed, and takes no lease', async () => {
    const made = daemon();
    made.scene.api.groupVersions.set('zonespread.io/v1alpha1', ['spreadreports']);
    await expect(made.scene.clock.settle(made.start())).rejects.toThrow('the API server does not serve ordinalmigrations.zonespread.io, zoneevacuations.zonespread.io (zonespread.io/v1alpha1); install the custom resources first: kubectl apply --server-side -f charts/zonespread/crds/');
    expect(made.scene.api.writes).toEqual([]);
  });

  it('waits for an API server that does not answer at first, whatever it asks, and works when it does', async () => {
    const made = daemon();
    const failures = { '/apis/zonespread.io/v1alpha1': 3, '/selfsubjectreviews': 2, '/apis/apps.kruise.io/v1beta1': 2, '/namespaces/kube-system': 2 };
    made.http.intercept = (request) => {
      const [site] = Object.entries(failures).find(([path, left]) => request.path.split('?')[0]?.endsWith(path) === true && left > 0) ?? [];
      if (site === undefined) return Promise.resolve(undefined);
      failures[site as keyof typeof failures] -= 1;
      return failures[site as keyof typeof failures] === 0 ? Promise.reject(new Error('connection refused')) : Promise.resolve(unavailable());
    };
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    void made.start();
    await made.until(() => made.scene.records().some((record) => phaseOf(record) === 'Running'));
    expect(Object.values(failures)).toEqual([0, 0, 0, 0]);
    expect(made.scene.log.lines.filter(({ message }) => message.includes('it is asked again'))).toHaveLength(9);
  });

  it('is not ready before the API server has said what has to be known', async () => {
    const made = daemon();
    let away = true;
    made.http.intercept = () => (away ? Promise.reject(new Error('connection refused')) : Promise.resolve(undefined));
    void made.start({ http: { host: '127.0.0.1', port: 0 } });
    const listening = (): string | undefined => made.scene.log.lines.map(({ message }) => /on port (\d+)/.exec(message)?.[1]).find((found) => found !== undefined);
    const port = await vi.waitUntil(listening);
    const probe = async (): Promise<[number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
      return [answer.status, await answer.text()];
    };
    expect(await probe()).toEqual([503, expect.stringContaining('the API server has not yet said')]);
    away = false;
    await made.leads();
    expect(await probe()).toEqual([200, expect.anything()]);
  });

  it('ends with LeaseLost when nobody answers the leader for so long that the lease runs out', async () => {
    const made = daemon();
    let away = false;
    made.http.intercept = (request) => {
      away ||= request.path.endsWith('/apis/apps.kruise.io/v1beta1');
      return away ? Promise.reject(new Error('connection refused')) : Promise.resolve(undefined);
    };
    await expect(made.scene.clock.settle(made.start())).rejects.toThrow(LeaseLost);
  });

  it('stops on SIGTERM while nobody answers', async () => {
    const made = daemon();
    made.http.intercept = () => Promise.reject(new Error('connection refused'));
    const running = made.start();
    await made.scene.clock.advance(60_000);
    await made.stop();
    await expect(running).resolves.toBeUndefined();
    expect(made.scene.clock.sleeping).toBe(0);
  });

  it('ends at once when it is refused: waiting does not help', async () => {
    const made = daemon();
    made.http.intercept = (request) => Promise.resolve(request.path.endsWith('/selfsubjectreviews') ? refusal(403, 'Forbidden') : undefined);
    await expect(made.scene.clock.settle(made.start())).rejects.toThrow('review our own user');
    expect(made.scene.log.lines.filter(({ message }) => message.includes('it is asked again'))).toEqual([]);
  });

  it('does not work in a cluster whose identity it does not know, and ends whole', async () => {
    const made = daemon();
    made.scene.api.remove(namespaces, { name: 'kube-system' });
    await expect(made.scene.clock.settle(made.start())).rejects.toThrow('namespace kube-system is not there');
    expect(made.scene.api.read(leases, LEASE)?.spec.holderIdentity).toBe('');
    expect(made.scene.clock.sleeping).toBe(0);
  });

  it('ends whole when something keeps it from starting after it has begun to watch', async () => {
    const made = daemon();
    const broken = runController({
      http: made.http,
      disks: () => {
        throw new Error('no credentials');
      },
      clock: made.scene.clock,
      random: made.scene.random,
      schedule: { every: () => ({ stop: () => Promise.resolve() }) },
      log: made.scene.log,
      metrics: made.scene.metrics,
      signal: new AbortController().signal,
      settings: { leaseNamespace: 'x', leaderElect: false, leaseTiming: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }, sweep: '* * * * *', budgets: { atOnce: 1 }, coolDownMs: 0, stepTimeoutMs: 1, reserving: { on: true, image: 'pause', prepull: false }, namespaces: undefined, http: undefined, dryRun: false },
    });
    await expect(made.scene.clock.settle(broken)).rejects.toThrow('no credentials');
    expect(made.scene.clock.sleeping).toBe(0);
  });

  it('goes on without an election from what the last daemon wrote', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    made.scene.addRecord('web-2-x', { spec: { ordinal: 2 }, status: { phase: 'Running', step: 'rehearse', epoch: 2_000_000_000, statefulSetUID: 'uid-statefulset-web', stepStartedAt: '2026-11-19T00:00:00.000Z' } });
    void made.start({ leaderElect: false });
    await made.until(() => made.scene.record('web-2-x').status?.phase === 'Failed');
    expect(made.scene.api.read(leases, LEASE)).toBeUndefined();
  });

  it('writes nothing but the Lease in ten sweeps over a settled set', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'b', 'c'] });
    void made.start();
    await made.leads();
    expect(made.scene.status().satisfied).toBe(true);
    made.scene.api.forgetCalls();
    for (let count = 0; count < 10; count += 1) await made.sweep();
    expect(made.scene.writesBut('Lease')).toEqual([]);
    expect((await made.scene.metrics.expose(undefined)).text).toContain(`zonespread_sweep_last_success_timestamp_seconds ${Math.floor((made.scene.clock.now() - 6_000) / 1000)}`);
  });

  it('forgets by the next sweep what is counted of a set that is gone', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'b', 'c'] });
    void made.start();
    await made.leads();
    // Its last move ends after it has gone.
    made.scene.metrics.migrationEnded({ namespace: NAMESPACE, statefulset: 'gone' }, 'Failed', 1);
    await made.sweep();
    const { text } = await made.scene.metrics.expose(undefined);
    expect(text).not.toContain('statefulset="gone"');
    expect(text).toContain(`zonespread_statefulset_skew{namespace="${NAMESPACE}",statefulset="web"} 0`);
  });

  it('writes nothing but the Lease and its reports in a dry run, events included', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    made.scene.addSet({ name: 'db', zones: ['a', 'a'] }, { annotations: { zones: 'a,b', paused: 'perhaps' } });
    made.scene.addRecord('by-hand', { spec: { ordinal: 1 } });
    made.scene.evacuate('a');
    void made.start({ dryRun: true });
    await made.leads();
    await made.sweep();
    // The ordinal that a person moves by hand is left to that record; the others leave the zone that is evacuated.
    expect(made.scene.status().plan?.moves.map(({ ordinal }) => ordinal)).toEqual([2, 0]);
    expect(made.scene.status('db').blocked?.[0]?.reason).toBe('InvalidPolicy');
    expect(made.scene.writesBut('Lease', 'SpreadReport')).toEqual([]);
  });

  it('asks the cloud once for the disks of many sets in a sweep', async () => {
    const made = daemon();
    for (let count = 0; count < 12; count += 1) made.scene.addSet({ name: `set${count}`, zones: ['a', 'b', 'c'] });
    void made.start();
    await made.leads();
    made.scene.cloudCalls.length = 0;
    await made.sweep();
    expect(made.scene.cloudCalls.filter((action) => action === 'DescribeDisks')).toHaveLength(1);
  });

  it('stays with its namespaces, also live', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] });
    made.scene.addRecord('elsewhere', { metadata: { namespace: 'other' } });
    made.http.intercept = ({ path, method }) => {
      const everywhere = /^\/apis?\/(?:[^/]+\/)?v[^/]+\/(pods|persistentvolumeclaims|statefulsets|poddisruptionbudgets|ordinalmigrations|spreadreports)(\?|$)/.test(path);
      return Promise.resolve(
        everywhere && method === 'GET'
          ? { status: 403, headers: {}, body: (async function* body() { yield Buffer.from(JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message: `forbidden: ${path}` })); })() }
          : undefined,
      );
    };
    void made.start({ namespaces: [NAMESPACE] });
    await made.until(() => made.scene.records().some((record) => phaseOf(record) === 'Running'));
    await made.sweep();
    const refused = made.http.requests.filter(({ path }) => path.includes('/ordinalmigrations?') && !path.includes('/namespaces/'));
    expect(refused).toHaveLength(1); // The search for orphans, which then says why it is left out.
    expect(made.scene.log.messages('info')).toContain('orphaned disks are not looked for: that takes the right to list OrdinalMigrations of every namespace');
    expect(made.scene.api.read(ordinalMigrations, { namespace: 'other', name: 'elsewhere' })?.status).toBeUndefined();
  });

  it('removes the report of a set that was deleted while nobody looked', async () => {
    const made = daemon();
    made.scene.api.put(spreadReports, { metadata: { namespace: NAMESPACE, name: 'gone' } });
    void made.start();
    await made.until(() => made.scene.report('gone') === undefined);
    await made.scene.clock.advance(60_000);
    expect(made.scene.report('gone')).toBeUndefined();
  });

  it('takes a stray gate off when it shows, and at a sweep', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'b', 'c'] }, { annotations: {} });
    const gate = (name: string) => made.scene.api.change(pods, { namespace: NAMESPACE, name }, (pod) => (pod.spec.schedulingGates = [{ name: 'zonespread.io/migrating' }]));
    const gates = (name: string) => made.scene.api.read(pods, { namespace: NAMESPACE, name })?.spec.schedulingGates?.length;
    gate('web-0');
    void made.start();
    await made.until(() => gates('web-0') === 0);
    gate('web-1');
    await made.until(() => gates('web-1') === 0);
  });

  it('takes the in-flight label off a namespace in which nothing is in flight, whoever let go of its records', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'b', 'c'] }, { annotations: {} });
    made.scene.addRecord('over', { metadata: { finalizers: [] }, status: { phase: 'Succeeded', step: 'settle' } });
    const label = () => made.scene.api.read(namespaces, { name: NAMESPACE })?.metadata.labels?.[IN_FLIGHT_LABEL];
    made.scene.api.change(namespaces, { name: NAMESPACE }, (namespace) => (namespace.metadata.labels = { [IN_FLIGHT_LABEL]: 'true' }));
    void made.start();
    await made.leads();
    await made.sweep();
    expect(label()).toBeUndefined();
  });

  it('keeps going when one part of a sweep fails: the others are done, and it is said', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'b', 'c'] }, { annotations: {} });
    void made.start();
    await made.leads();
    made.scene.api.on('get', pods, () => Promise.reject(new Error('pods are broken')));
    made.scene.api.change(pods, { namespace: NAMESPACE, name: 'web-0' }, (pod) => (pod.spec.schedulingGates = [{ name: 'zonespread.io/migrating' }]));
    const before = (await made.scene.metrics.expose(undefined)).text.match(/zonespread_sweep_last_success_timestamp_seconds .*/)?.[0];
    await made.scene.clock.advance(3_700_000);
    made.scene.cloudCalls.length = 0;
    await made.sweep();
    expect(made.scene.log.messages('error')).toEqual(['the sweep could not look at the gate of pod db/web-0; the next one tries again']);
    expect(made.scene.cloudCalls).toEqual(['DescribeDisks', 'DescribeSnapshots']);
    expect((await made.scene.metrics.expose(undefined)).text).toContain(before);
  });

  it('never lets a move wait behind sets, however many there are and however long they take', async () => {
    const made = daemon();
    for (let count = 0; count < 20; count += 1) made.scene.addSet({ name: `set${count}`, zones: ['a', 'a', 'a'] });
    made.scene.addRecord('set0-1-x', { spec: { ordinal: 1, statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'set0' } }, status: { phase: 'Running', step: 'rehearse', statefulSetUID: 'uid-statefulset-set0', stepStartedAt: '2026-11-19T00:00:00.000Z' } });
    // Only a look at a set asks for it.
    made.http.intercept = ({ path }) => (path.includes('mutatingwebhookconfigurations') ? new Promise(() => {}) : Promise.resolve(undefined));
    void made.start();
    await made.until(() => made.scene.record('set0-1-x').status?.epoch !== undefined);
    daemons.pop(); // Its looks never end, and so could it not be stopped.
  });

  it('does not spin: ten minutes over sets and records that cannot go on costs a bounded number of requests', async () => {
    const made = daemon();
    made.scene.addSet({ zones: ['a', 'a', 'a'] }, { annotations: { zones: 'a,b,c', window: '0 2 * * 6 for 1h in UTC' } });
    made.scene.addRecord('by-hand', { spec: { ordinal: 1, targetZone: 'nowhere' } });
    made.scene.addRecord('frozen', { spec: { ordinal: 0 }, status: { phase: 'Frozen', step: 'ready', reason: 'Odd', statefulSetUID: 'uid-statefulset-web' } });
    void made.start();
    await made.leads();
    made.http.requests.length = 0;
    await made.scene.clock.advance(600_000);
    const calls = made.http.requests.filter(({ path }) => !path.includes('watch=1') && !path.includes('/leases/'));
    // A Frozen record is looked at each 5 s (3 requests), a Pending one each 10 s (about 15).
    expect(calls.length).toBeLessThan(600 / 5 * 4 + 600 / 10 * 25);
    expect(made.scene.writesBut('Lease', 'Event', 'SpreadReport', 'OrdinalMigration')).toEqual([]);
  });
});
