// Before an uninstall: nothing more begins, what is in flight ends, what has ended is let go of; or it says what is in the way.

import { beforeEach, describe, expect, it } from 'vitest';
import { addWindDownCommand, windDown, type WindDownFlags, type WindDownOptions } from '../../src/cli/wind-down-command.ts';
import { ApiUnreachable } from '../../src/kubernetes/api.ts';
import { FINALIZER } from '../../src/kubernetes/names.ts';
import { deployments, leases, type Deployment } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { claimRecord, record } from '../controller/records.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { parsed } from './command-line.ts';

const OWN = 'zonespread-system';
const CONTROLLER = { namespace: OWN, name: 'zonespread-controller' };
const LEASE = { namespace: OWN, name: 'zonespread' };

const flags = (args: string[]) => parsed<WindDownFlags>(addWindDownCommand, ['wind-down', ...args]);

describe('zonespread wind-down', () => {
  it('has its defaults', () => {
    expect(flags([]).flags).toEqual({ controller: 'zonespread-controller', inFlight: 'finish', timeout: 1_500_000 });
  });

  it('takes finish or abort, and a duration', () => {
    expect(flags(['--in-flight=abort', '--timeout=90s', '--controller=zs-controller', '--namespaces=shop,bank']).flags).toMatchObject({ inFlight: 'abort', timeout: 90_000, controller: 'zs-controller', namespaces: ['shop', 'bank'] });
    expect(flags(['--in-flight=kill']).error).toMatch(/"kill" is not allowed: finish, abort/);
  });
});

describe('winding down', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let said: string[];

  beforeEach(() => {
    clock = new FakeClock();
    api = new FakeApi({ clock });
    said = [];
    api.put(deployments, deployment('2'));
    held('daemon-1');
  });

  const run = (options: Partial<WindDownOptions> = {}): Promise<void> =>
    windDown({ api, clock, say: (line) => void said.push(line), namespace: OWN, controller: CONTROLLER.name, abort: false, timeoutMs: 60_000, ...options });
  /** Every renewal is another version, as a living leader makes them. */
  const held = (holderIdentity: string): void => {
    if (api.read(leases, LEASE) === undefined) api.put(leases, { metadata: LEASE, spec: { holderIdentity, renewTime: '0' } });
    api.change(leases, LEASE, ({ spec }) => Object.assign(spec, { holderIdentity, renewTime: String(clock.monotonic()) }));
  };
  /** What goes on in the cluster meanwhile, once for each second of waiting. */
  const each = async (work: Promise<void>, second: (count: number) => void): Promise<unknown> => {
    const state: { over: boolean; error?: unknown } = { over: false };
    const ended = work.then(
      () => Object.assign(state, { over: true }),
      (error: unknown) => Object.assign(state, { over: true, error }),
    );
    await clock.advance(0);
    for (let count = 1; !state.over && count < 200; count += 1) {
      second(count);
      await clock.advance(1_000);
    }
    await ended;
    return state.error;
  };
  const rolledOut = (): void => {
    api.change(deployments, CONTROLLER, ({ metadata, status }) => Object.assign(status!, { observedGeneration: metadata.generation ?? 0, replicas: 2, updatedReplicas: 2 }));
  };
  const rolling = (): void => {
    api.change(deployments, CONTROLLER, ({ metadata, status }) => Object.assign(status!, { observedGeneration: metadata.generation ?? 0, replicas: 3, updatedReplicas: 1 }));
  };
  const takenOver = (): void => {
    held('daemon-2');
    rolledOut();
  };
  /** The rollout takes a while. */
  const takenOverLater = (second: number): void => {
    if (second > 6) return takenOver();
    held('daemon-1');
    rolling();
  };
  const budget = (): string | undefined => api.read(deployments, CONTROLLER)?.spec.template.spec.containers[0]?.env?.[1]?.value;
  const put = (status: OrdinalMigrationStatus, finalizers = [FINALIZER]): OrdinalMigration => {
    const { metadata, ...rest } = record(status);
    return api.put(ordinalMigrations, { ...rest, metadata: { namespace: metadata.namespace!, name: metadata.name, finalizers } });
  };
  const live = ({ metadata: { namespace = '', name } }: OrdinalMigration): OrdinalMigration => api.read(ordinalMigrations, { namespace, name })!;

  it('waits for a daemon that begins nothing more to lead, and for what is in flight', async () => {
    const moving = put({ phase: 'Running', step: 'snapshot' });
    const meanwhile = new Set<string>();
    const error = await each(run(), (second) => {
      held(second < 5 ? 'daemon-1' : 'daemon-2');
      (second < 5 ? rolling : rolledOut)();
      if (second === 9) api.change(ordinalMigrations, { namespace: moving.metadata.namespace!, name: moving.metadata.name }, (object) => Object.assign(object, { status: { phase: 'Succeeded', claims: [claimRecord()] } }));
      if (second <= 9) meanwhile.add(live(moving).metadata.finalizers?.join() ?? '');
    });
    expect(error).toBeUndefined();
    expect(budget()).toBe('0');
    expect([...meanwhile]).toEqual([FINALIZER]);
    expect(live(moving).metadata.finalizers).toEqual([]);
    expect(said).toEqual([
      `Deployment ${OWN}/zonespread-controller: ZONESPREAD_MAX_MIGRATIONS=0, no further move begins`,
      expect.stringMatching(/^in flight: db\/web-0-\d+ \(Running, snapshot\)$/),
      expect.stringMatching(/let go of; it kept disk d-old; that stays until you delete it$/),
      'at rest: nothing is in flight',
    ]);
  });

  it('with nothing in flight it still waits until the old leader is gone: it could begin something', async () => {
    const error = await each(run({ timeoutMs: 10_000 }), () => {
      held('daemon-1');
      rolledOut();
    });
    expect(String(error)).toMatch(/no daemon has taken over that begins nothing more; see the log of the controller/);
  });

  it('a second run goes on where the first one was', async () => {
    api.change(deployments, CONTROLLER, ({ spec }) => Object.assign(spec.template.spec.containers[0]!.env![1]!, { value: '0' }));
    rolledOut();
    expect(await each(run(), () => held('daemon-2'))).toBeUndefined();
    expect(said).toEqual(['at rest: nothing is in flight']);
    expect(api.writes.filter(({ resource }) => resource.plural === 'deployments')).toEqual([]);
  });

  it('is not held up by a daemon that never came up: nobody has renewed the lease for a whole term', async () => {
    expect(await each(run(), rolling)).toBeUndefined();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(15_000);
  });

  it('nor by a Deployment that is gone', async () => {
    api.remove(deployments, CONTROLLER);
    api.remove(leases, LEASE);
    expect(await each(run(), () => {})).toBeUndefined();
    expect(said[0]).toBe(`there is no Deployment ${OWN}/zonespread-controller`);
  });

  it('what is frozen needs a person: it fails at once, and lets go of nothing', async () => {
    const frozen = put({ phase: 'Frozen', step: 'ready', message: 'pod web-0 is not Ready' });
    const over = put({ phase: 'Succeeded' });
    const error = await each(run(), takenOver);
    expect(clock.monotonic()).toBeLessThan(20_000);
    expect(String(error)).toMatch(/a person has to decide about what is frozen\. db\/web-0-\d+ is Frozen at ready: pod web-0 is not Ready\. Nothing has been taken away\. .*zonespread\.io\/request=/);
    for (const one of [frozen, over]) expect(live(one).metadata.finalizers).toEqual([FINALIZER]);
  });

  it('asks for an undo where that still can be, once', async () => {
    const early = put({ phase: 'Running', step: 'detach' });
    const late = put({ phase: 'Running', step: 'ready' });
    const back = put({ phase: 'RollingBack', course: 'Undo', step: 'claim-back' });
    await each(run({ abort: true, timeoutMs: 8_000 }), takenOver);
    expect([early, late, back].map((one) => live(one).metadata.annotations?.['zonespread.io/request'])).toEqual(['abort', undefined, undefined]);
    expect(api.writes.filter(({ resource }) => resource.plural === 'ordinalmigrations')).toHaveLength(1);
  });

  it('leaves what has not begun, and what others hold on to', async () => {
    const pending = put({ phase: 'Pending' }, []);
    const over = put({ phase: 'RolledBack' }, [FINALIZER, 'example.com/mine']);
    expect(await each(run(), takenOver)).toBeUndefined();
    expect(live(pending)).toEqual(pending);
    expect(live(over).metadata.finalizers).toEqual(['example.com/mine']);
  });

  it('a move that another one takes back is not for a person to decide', async () => {
    put({ phase: 'Frozen', step: 'ready', reason: 'Reversing' });
    expect(String(await each(run(), takenOver))).toMatch(/it takes longer than --timeout/);
  });

  it('an API server that restarts does not end it', async () => {
    let down = 3;
    for (const verb of ['get', 'list', 'jsonPatch'] as const) {
      api.on(verb, verb === 'list' ? ordinalMigrations : deployments, async (_call, proceed) => {
        if (down === 0) return proceed();
        down -= 1;
        throw new ApiUnreachable('patch Deployment', new Error('connect ECONNREFUSED'));
      });
    }
    expect(await each(run(), takenOverLater)).toBeUndefined();
    expect(said.filter((line) => line.startsWith('the API server does not answer; asking again'))).toHaveLength(3);
    expect(budget()).toBe('0');
  });

  it('whoever led when the Deployment was told does not know, though the answer to that was lost', async () => {
    api.once('jsonPatch', deployments, async (_call, proceed) => {
      await proceed();
      throw new ApiUnreachable('patch Deployment', new Error('reset'));
    });
    const error = await each(run({ timeoutMs: 10_000 }), () => {
      held('daemon-1');
      rolledOut();
    });
    expect(String(error)).toMatch(/no daemon has taken over that begins nothing more/);
  });

  it('refuses a Deployment that is not the daemon', async () => {
    api.change(deployments, CONTROLLER, ({ spec }) => void (spec.template.spec.containers[0]!.env = []));
    await expect(run()).rejects.toThrow(/does not set ZONESPREAD_MAX_MIGRATIONS: is it the daemon's\?/);
  });

  it('tries again when somebody changes the Deployment meanwhile', async () => {
    let others = 0;
    api.on('jsonPatch', deployments, async (_call, proceed) => {
      others += 1;
      if (others === 1) api.change(deployments, CONTROLLER, ({ spec }) => void spec.template.spec.containers[0]!.env!.unshift({ name: 'FIRST', value: 'x' }));
      return proceed();
    });
    expect(await each(run(), takenOverLater)).toBeUndefined();
    expect(api.read(deployments, CONTROLLER)?.spec.template.spec.containers[0]?.env).toContainEqual({ name: 'ZONESPREAD_MAX_MIGRATIONS', value: '0' });
  });
});

function deployment(budget: string): Deployment {
  const env = [{ name: 'OTHER', value: '7' }, { name: 'ZONESPREAD_MAX_MIGRATIONS', value: budget }];
  return { metadata: { ...CONTROLLER, generation: 1 }, spec: { replicas: 2, template: { spec: { containers: [{ name: 'controller', env }] } } }, status: {} };
}
