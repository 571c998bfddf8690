import { beforeEach, describe, expect, it } from 'vitest';
import { uniqueVolumeName } from '../../../src/simulation/csi/names.ts';
import { Behaviour, type Timings } from '../../../src/simulation/kubelet/behaviour.ts';
import { KubeletModel, type Outcome, type Work } from '../../../src/simulation/kubelet/model.ts';
import { KubeletRecords } from '../../../src/simulation/kubelet/records.ts';
import type { ClaimView, KubeletView, PodView, VolumeView } from '../../../src/simulation/kubelet/view.ts';
import { FakeClock } from '../../fakes/clock.ts';

const DRIVER = 'disk.csi';
const ZONE = 'topology.zone';
const V1 = uniqueVolumeName(DRIVER, 'd-1');

/** A node's kubelet with a world that the test moves by hand; whatever is decided is done at once, as `outcome` says. */
class Machine {
  readonly clock = new FakeClock();
  readonly behaviour: Behaviour;
  readonly records: KubeletRecords;
  readonly model: KubeletModel;
  readonly done: string[] = [];
  pods: PodView[] = [];
  claims = new Map<string, ClaimView>();
  volumes = new Map<string, VolumeView>();
  attached = new Set<string>();
  volumesInUse: string[] = [];
  silent = false;
  outcome: (work: Work) => Outcome | 'unfinished' = () => 'done';

  constructor(timings: Partial<Timings> = {}) {
    this.behaviour = new Behaviour({ writeMs: Infinity, ...timings });
    this.records = new KubeletRecords(this.clock);
    this.model = new KubeletModel({ node: 'n-1', zone: 'a', clock: this.clock, behaviour: this.behaviour, records: this.records });
  }

  pod(name: string, overrides: Partial<PodView> = {}): PodView {
    const pod = { namespace: 'shop', name, uid: `${name}-uid`, deleting: false, graceMs: 30_000, ended: false, claims: [`data-${name}`], ...overrides };
    this.pods.push(pod);
    return pod;
  }

  disk(claim: string, diskId: string, affinity: VolumeView['affinity'] = []): void {
    this.claims.set(`shop/${claim}`, { uid: `${claim}-uid`, bound: true, deleting: false, volumeName: `pv-${diskId}` });
    this.volumes.set(`pv-${diskId}`, { name: `pv-${diskId}`, claimUid: `${claim}-uid`, csi: { driver: DRIVER, handle: diskId }, affinity });
  }

  delete(pod: PodView): void {
    this.pods = this.pods.map((other) => (other.uid === pod.uid ? { ...other, deleting: true } : other));
  }

  remove(pod: PodView): void {
    this.pods = this.pods.filter((other) => other.uid !== pod.uid);
  }

  /** Does everything that is to be done now; returns it in words. */
  step(): string[] {
    const from = this.done.length;
    for (let round = 0; round < 50; round += 1) {
      const { work } = this.model.decide(this.#view(), { silent: this.silent });
      if (work.length === 0) return this.done.slice(from);
      for (const item of work) this.#do(item);
    }
    throw new Error(`the kubelet does not come to rest: ${this.done.slice(-10).join(', ')}`);
  }

  wakeAt(): number {
    return this.model.decide(this.#view(), { silent: this.silent }).wakeAt - this.clock.monotonic();
  }

  async after(ms: number): Promise<string[]> {
    await this.clock.advance(ms);
    return this.step();
  }

  #do(work: Work): void {
    this.model.begun(work);
    const outcome = this.outcome(work);
    this.done.push(`${words(work)}${outcome === 'done' ? '' : ` ${outcome}`}`);
    if (outcome === 'unfinished') return;
    if (work.kind === 'report' && outcome === 'done') this.volumesInUse = work.volumesInUse;
    if (work.kind === 'delete') this.pods = this.pods.filter((pod) => pod.uid !== work.pod.uid);
    this.model.finished(work, outcome);
  }

  #view(): KubeletView {
    return {
      labels: { [ZONE]: 'a' },
      pods: this.pods,
      claim: (namespace, name) => this.claims.get(`${namespace}/${name}`),
      volume: (name) => this.volumes.get(name),
      attached: ({ uniqueName }) => this.attached.has(uniqueName),
    };
  }
}

function words(work: Work): string {
  if (work.kind === 'report') return `report [${work.volumesInUse.join()}]`;
  return work.kind === 'show' ? `show ${work.pod.name} ${work.shown}` : `${work.kind} ${work.pod.name}`;
}

function running(machine: Machine, name = 'web-0'): PodView {
  const pod = machine.pod(name);
  machine.disk(`data-${name}`, 'd-1');
  machine.attached.add(V1);
  machine.step();
  expect(machine.records.timeline(pod.uid)?.startedAt).toBeDefined();
  machine.done.length = 0;
  return pod;
}

describe('a pod that is bound to the node', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
    machine.step();
  });

  it('starts at once and gets Ready when it has no volumes', () => {
    machine.pod('web-0', { claims: [] });
    expect(machine.step()).toEqual(['show web-0 creating', 'start web-0', 'show web-0 ready']);
  });

  it('waits for its claim, says why, and reports nothing in use meanwhile', () => {
    machine.pod('web-0');
    expect(machine.step()).toEqual(['show web-0 creating']);
    expect(machine.model.waiting()).toEqual([{ pod: 'shop/web-0', reason: 'claim data-web-0 not found' }]);
    machine.claims.set('shop/data-web-0', { uid: 'u', bound: false, deleting: false, volumeName: '' });
    machine.step();
    expect(machine.model.waiting()[0]?.reason).toBe('claim data-web-0 is not bound');
  });

  it('reports its volume in use before it is attached, and mounts only afterwards', () => {
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    expect(machine.step()).toEqual(['show web-0 creating', `report [${V1}]`]);
    expect(machine.model.waiting()[0]?.reason).toContain('pv-d-1 (d-1) is not attached');
    machine.attached.add(V1);
    expect(machine.step()).toEqual(['mount web-0', 'start web-0', 'show web-0 ready']);
  });

  it('does not mount a volume that is attached but not yet reported in use', () => {
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.attached.add(V1);
    machine.outcome = (work) => (work.kind === 'report' ? 'unfinished' : 'done');
    expect(machine.step()).toEqual(['show web-0 creating', `report [${V1}] unfinished`]);
  });

  it('waits a moment and looks again when the live look does not find the disk attached', async () => {
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.attached.add(V1);
    machine.outcome = (work) => (work.kind === 'mount' ? 'failed' : 'done');
    expect(machine.step().at(-1)).toBe('mount web-0 failed');
    machine.outcome = () => 'done';
    expect(machine.step()).toEqual([]);
    expect(await machine.after(50)).toEqual(['mount web-0', 'start web-0', 'show web-0 ready']);
  });

  it('does not start on a volume that belongs to an earlier claim of that name', () => {
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.attached.add(V1);
    machine.claims.set('shop/data-web-0', { uid: 'new', bound: true, deleting: false, volumeName: 'pv-d-1' });
    machine.step();
    expect(machine.model.waiting()[0]?.reason).toBe('claim data-web-0: volume pv-d-1 is bound to a different claim');
  });

  it('does not start on a volume whose node affinity is for another zone', () => {
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1', [[{ key: ZONE, operator: 'In', values: ['b'] }]]);
    machine.attached.add(V1);
    machine.step();
    expect(machine.model.waiting()[0]?.reason).toContain('node affinity does not match');
  });

  it('is deleted at once when nothing of it ran, and gives its volume back', () => {
    const pod = machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.step();
    machine.delete(pod);
    expect(machine.step()).toEqual(['delete web-0', 'report []']);
  });

  it('takes its time to boot and to get Ready', async () => {
    machine = new Machine({ bootMs: 3_000, readyMs: 2_000 });
    machine.pod('web-0', { claims: [] });
    machine.step();
    expect(machine.wakeAt()).toBe(3_000);
    expect(await machine.after(2_999)).toEqual([]);
    expect(await machine.after(1)).toEqual(['start web-0', 'show web-0 running']);
    expect(await machine.after(1_999)).toEqual([]);
    expect(await machine.after(1)).toEqual(['show web-0 ready']);
  });

  it('crashes and boots again when its first write fails', async () => {
    machine.pod('web-0', { claims: [] });
    machine.outcome = (work) => (work.kind === 'start' ? 'failed' : 'done');
    machine.step();
    machine.outcome = () => 'done';
    expect(await machine.after(900)).toEqual([]);
    expect(await machine.after(100)).toEqual(['start web-0', 'show web-0 ready']);
  });
});

describe('a running pod', () => {
  it('writes to its disks every writeMs', async () => {
    const machine = new Machine({ writeMs: 100 });
    running(machine);
    expect(await machine.after(99)).toEqual([]);
    expect(await machine.after(1)).toEqual(['write web-0']);
    expect(await machine.after(100)).toEqual(['write web-0']);
  });

  it('is stopped, shown ended, deleted, and its volume is out of use', () => {
    const machine = new Machine();
    machine.delete(running(machine));
    expect(machine.step()).toEqual(['stop web-0', 'show web-0 ended', 'report []', 'delete web-0']);
    expect(machine.records.timeline('web-0-uid')).toMatchObject({ unmountedAt: expect.any(Number) as number, goneAt: expect.any(Number) as number });
    expect(machine.step()).toEqual([]);
  });

  it('goes on writing until its last write, at stopMs', async () => {
    const machine = new Machine({ stopMs: 250, writeMs: 100 });
    const pod = running(machine);
    await machine.after(50);
    machine.delete(pod);
    expect(machine.step()).toEqual([]);
    expect(await machine.after(100)).toEqual(['write web-0']);
    expect(await machine.after(100)).toEqual(['write web-0']);
    expect(await machine.after(50)).toEqual(['stop web-0', 'show web-0 ended', 'report []', 'delete web-0']);
  });

  it('gets no longer than its grace period', async () => {
    const machine = new Machine({ stopMs: 60_000 });
    const pod = running(machine);
    machine.delete(pod);
    machine.step();
    expect(await machine.after(29_999)).toEqual([]);
    expect(await machine.after(1)).toContain('stop web-0');
  });

  it('leaves its volume in use until it is unmounted, which outlasts the pod object', async () => {
    const machine = new Machine({ unmountMs: 400 });
    machine.delete(running(machine));
    expect(machine.step()).toEqual(['stop web-0', 'show web-0 ended', 'delete web-0']);
    expect(machine.volumesInUse).toEqual([V1]);
    expect(machine.records.timeline('web-0-uid')?.unmountedAt).toBeUndefined();
    expect(await machine.after(400)).toEqual(['report []']);
    expect(machine.records.timeline('web-0-uid')?.unmountedAt).toBeDefined();
  });

  it('is stopped all the same when its object was taken away by force', async () => {
    const machine = new Machine({ stopMs: 100 });
    const pod = running(machine);
    machine.remove(pod);
    expect(machine.step()).toEqual([]);
    expect(machine.volumesInUse).toEqual([V1]);
    expect(await machine.after(100)).toEqual(['stop web-0', 'report []']);
  });

  it('keeps the volume mounted over to its successor only if that one was there before the unmount', async () => {
    const machine = new Machine({ unmountMs: 400 });
    machine.delete(running(machine));
    machine.step();
    machine.pod('web-0', { uid: 'second' });
    expect(machine.step()).toEqual(['show web-0 creating', 'mount web-0', 'start web-0', 'show web-0 ready']);
    expect(await machine.after(1_000)).toEqual([]);
    expect(machine.volumesInUse).toEqual([V1]);
  });

  it('does not let the successor trust a report that is just being withdrawn', () => {
    const machine = new Machine();
    machine.delete(running(machine));
    machine.outcome = (work) => (work.kind === 'report' ? 'unfinished' : 'done');
    expect(machine.step()).toContain('report [] unfinished');
    machine.pod('web-0', { uid: 'second' });
    expect(machine.step()).not.toContain('mount web-0');
  });

  it('does not stop in the middle of its first write', () => {
    const machine = new Machine();
    const pod = machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.attached.add(V1);
    machine.outcome = (work) => (work.kind === 'start' ? 'unfinished' : 'done');
    machine.step();
    machine.delete(pod);
    expect(machine.step()).toEqual([]);
    expect(machine.volumesInUse).toEqual([V1]);
  });

  it('tries a status again that the API server did not take', async () => {
    const machine = new Machine();
    machine.pod('web-0', { claims: [] });
    machine.outcome = (work) => (work.kind === 'show' && work.shown === 'ready' ? 'failed' : 'done');
    machine.step();
    machine.outcome = () => 'done';
    expect(await machine.after(200)).toEqual(['show web-0 ready']);
  });
});

describe('what can be switched on', () => {
  it('never Ready, by zone: pods that were Ready too, until it is healed', () => {
    const machine = new Machine();
    running(machine);
    const heal = machine.behaviour.neverReady({ zone: 'a' });
    expect(machine.step()).toEqual(['show web-0 running']);
    heal();
    expect(machine.step()).toEqual(['show web-0 ready']);
  });

  it('never Ready, by pod: the others are', () => {
    const machine = new Machine();
    machine.behaviour.neverReady({ pod: 'web-1' });
    machine.pod('web-0', { claims: [] });
    machine.pod('web-1', { claims: [] });
    machine.step();
    expect(machine.done).toContain('show web-0 ready');
    expect(machine.done).toContain('show web-1 running');
    expect(machine.done).not.toContain('show web-1 ready');
  });

  it('slow boot', async () => {
    const machine = new Machine();
    machine.behaviour.slow({ pod: 'web-0' }, { bootMs: 5_000 });
    machine.pod('web-0', { claims: [] });
    machine.step();
    expect(await machine.after(4_999)).toEqual([]);
    expect(await machine.after(1)).toContain('show web-0 ready');
  });

  it('volumesInUse stuck although the pod is gone', () => {
    const machine = new Machine();
    const heal = machine.behaviour.keepsVolumesInUse({ node: 'n-1' });
    machine.delete(running(machine));
    expect(machine.step()).toEqual(['stop web-0', 'show web-0 ended', 'delete web-0']);
    expect(machine.volumesInUse).toEqual([V1]);
    heal();
    expect(machine.step()).toEqual(['report []']);
  });

  it('a pod that never terminates goes on writing', async () => {
    const machine = new Machine({ writeMs: 100 });
    const pod = running(machine);
    const heal = machine.behaviour.neverTerminates({ pod: 'web-0' });
    machine.delete(pod);
    expect(await machine.after(100)).toEqual(['write web-0']);
    heal();
    expect(machine.step()).toContain('stop web-0');
  });

  it('a pod that completes stays, ended, and frees its volume', () => {
    const machine = new Machine();
    machine.behaviour.completes({ pod: 'web-0' });
    machine.pod('web-0');
    machine.disk('data-web-0', 'd-1');
    machine.attached.add(V1);
    machine.step();
    expect(machine.done.slice(-3)).toEqual(['stop web-0', 'show web-0 ended', 'report []']);
  });

  it('a dead kubelet does nothing, while containers write on', async () => {
    const machine = new Machine({ writeMs: 100 });
    const pod = running(machine);
    machine.silent = true;
    machine.delete(pod);
    expect(await machine.after(100)).toEqual(['write web-0']);
    machine.silent = false;
    expect(machine.step()).toContain('stop web-0');
  });
});

describe('a kubelet that is started anew', () => {
  it('corrects a report of volumes in use that nothing on it uses', () => {
    const machine = new Machine();
    machine.volumesInUse = [V1];
    expect(machine.step()).toEqual(['report []']);
  });

  it('leaves pods alone that ended before, and deletes them when told to', () => {
    const machine = new Machine();
    const pod = machine.pod('job', { ended: true, claims: [] });
    expect(machine.step()).toEqual(['report []']);
    machine.delete(pod);
    expect(machine.step()).toEqual(['delete job']);
  });
});

describe('records', () => {
  it('know an acknowledged write that the next start does not find', () => {
    const clock = new FakeClock();
    const records = new KubeletRecords(clock);
    const write = { pod: 'shop/web-0', uid: 'u1', claim: 'data-web-0', diskId: 'd-1', sequence: 2, at: 5, text: 'stopped u1' };
    records.wrote(write);
    const start = { pod: 'shop/web-0', uid: 'u2', node: 'n-1', claim: 'data-web-0', diskId: 'd-2' };
    records.started(start, [
      { writer: 'shop/web-0', sequence: 1, at: 1 },
      { writer: 'shop/web-0', sequence: 2, at: 5, text: 'stopped u1' },
    ]);
    expect(records.lost).toEqual([]);
    records.started(start, [{ writer: 'shop/web-0', sequence: 1, at: 1 }]);
    expect(records.lost).toMatchObject([{ write, start: { diskId: 'd-2', contentsLength: 1, lastSequence: 1 } }]);
    records.forgetClaim('shop', 'data-web-0');
    records.started(start, []);
    expect(records.lost).toHaveLength(1);
  });
});
