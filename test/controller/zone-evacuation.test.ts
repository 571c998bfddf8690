import { describe, expect, it } from 'vitest';
import { closedByEvacuation, evacuatedZones, zoneEvacuations, type ZoneEvacuation, type ZoneEvacuationStatus } from '../../src/controller/zone-evacuation.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { Scene } from './scene.ts';

function evacuation(name: string, zone: string, reason?: string): ZoneEvacuation {
  return { metadata: { name }, spec: { zone, ...(reason === undefined ? {} : { reason }) } };
}

/** Looks at every set and then says how far the evacuation is. */
async function told(scene: Scene, zone = 'a', sets = ['web']): Promise<ZoneEvacuationStatus> {
  for (const name of sets) await scene.work(name);
  await scene.evacuations.work(`leave-${zone}`);
  return scene.api.read(zoneEvacuations, { name: `leave-${zone}` })?.status ?? {};
}

function conditionsOf({ conditions = [] }: ZoneEvacuationStatus): string[] {
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

describe('a zone that is being evacuated', () => {
  it('is named with who asks for it and why', () => {
    expect([...evacuatedZones([evacuation('works', 'a', 'new cables'), evacuation('leave-b', 'b')])]).toEqual([['a', 'ZoneEvacuation works (new cables)'], ['b', 'ZoneEvacuation leave-b']]);
  });

  it('is named by the first of several that ask for it', () => {
    expect(evacuatedZones([evacuation('second', 'a'), evacuation('first', 'a')]).get('a')).toBe('ZoneEvacuation first');
  });

  it('takes no disks, and says what to do about that', () => {
    expect(closedByEvacuation([evacuation('works', 'a')]).get('a')).toBe('it is being evacuated by ZoneEvacuation works; delete that when the zone may be used again');
  });

  it('is left by a set that was as declared, and takes it back when the evacuation is over', async () => {
    const scene = new Scene({ coolDownMs: 0 });
    scene.addSet({ zones: ['a', 'b', 'c'] });
    await scene.work();
    expect(scene.records()).toEqual([]);
    scene.evacuate('a', 'new cables');
    await scene.work();
    const [record] = scene.records();
    expect(record?.spec).toMatchObject({ ordinal: 0, reason: 'Evacuate' });
    expect(scene.status().plan?.moves?.[0]?.message).toBe('web-0 leaves zone a, which is being evacuated: ZoneEvacuation leave-a (new cables).');
    scene.finish(record!);
    await scene.work();
    expect(scene.records()).toHaveLength(1);
    scene.api.remove(zoneEvacuations, { name: 'leave-a' });
    await scene.work();
    expect(scene.records().filter(({ status }) => status === undefined).map(({ spec }) => [spec.ordinal, spec.targetZone, spec.reason])).toEqual([[1, 'a', 'Spread']]);
  });

  it('is no target of a move by hand either', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] });
    scene.evacuate('b', 'new cables');
    scene.addRecord('by-hand', { spec: { ordinal: 0, targetZone: 'b' } });
    await scene.look('by-hand');
    expect(scene.record('by-hand').status).toMatchObject({ reason: 'ZoneUnavailable', message: 'zone b takes no disks now: it is being evacuated by ZoneEvacuation leave-b (new cables); delete that when the zone may be used again' });
  });

  it('holds a set that has no other zone, and says so', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'a', 'a'] }, { annotations: { zones: 'a' } });
    scene.evacuate('a');
    const status = await told(scene);
    expect(scene.records()).toEqual([]);
    expect(scene.status().satisfied).toBe(false);
    expect({ left: status.disksLeft, blocked: status.disksBlocked }).toEqual({ left: 3, blocked: 3 });
    expect(status.blocked).toEqual([{ namespace: 'db', statefulSet: 'web', ordinals: '0-2', reason: 'ZoneUnavailable', message: 'every zone of zonespread.io/zones (a) is being evacuated: ZoneEvacuation leave-a; declare another zone, or delete the evacuation' }]);
  });
});

describe('the progress of an evacuation', () => {
  it('counts what is left, what has moved, and what is held, with why', async () => {
    const scene = new Scene({ budgets: { atOnce: 5 }, coolDownMs: 0 });
    scene.addSet({ zones: ['a', 'b', 'c'] });
    scene.addSet({ name: 'log', zones: ['a', 'a', 'b'] }, { annotations: { zones: 'b,a,c', paused: 'true' } });
    scene.evacuate('a');
    const first = await told(scene, 'a', ['web', 'log']);
    expect(first).toMatchObject({ observedGeneration: 1, disksLeft: 3, disksMoved: 0, disksBlocked: 2 });
    expect(first.blocked?.map(({ statefulSet, ordinals, reason }) => `${statefulSet} ${ordinals} ${reason}`)).toEqual(['log 0-1 Paused']);
    expect(conditionsOf(first)).toEqual(['Complete False DisksLeft', 'Progressing True Moving']);

    const [record] = scene.records();
    scene.api.change(ordinalMigrations, { namespace: 'db', name: record!.metadata.name }, (object) => (object.status = { claims: [{ template: 'data', claimName: 'data-web-0', sizeGiB: 20, source: { pv: 'x', zone: 'a' } } as never] }));
    await scene.clock.advance(1_000);
    scene.finish(record!);
    const second = await told(scene, 'a', ['web', 'log']);
    expect(second).toMatchObject({ disksLeft: 2, disksMoved: 1, disksBlocked: 2 });
    expect(conditionsOf(second)).toEqual(['Complete False DisksLeft', 'Progressing False Paused']);
    // Records are not kept for ever, and what has been counted stays counted.
    scene.api.remove(ordinalMigrations, { namespace: 'db', name: record!.metadata.name });
    expect((await told(scene, 'a', ['web', 'log'])).disksMoved).toBe(1);
  });

  it('names the pin that keeps an ordinal in the zone', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] }, { annotations: { zones: 'a,b,c', pin: '0=a' } });
    scene.evacuate('a');
    const status = await told(scene);
    expect(status).toMatchObject({ disksLeft: 1, disksBlocked: 1, blocked: [{ ordinals: '0', reason: 'ZoneUnavailable', message: expect.stringContaining('web-0 is pinned to zone a by zonespread.io/pin') }] });
    expect(conditionsOf(status)).toEqual(['Complete False DisksLeft', 'Progressing False ZoneUnavailable']);
  });

  it('names the move that stands still', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] });
    scene.evacuate('a');
    scene.addRecord('by-hand', { spec: { ordinal: 0, targetZone: 'a' }, status: { phase: 'Pending', reason: 'AlreadyInZone', message: 'web-0 is in zone a' } });
    const status = await told(scene);
    expect(status).toMatchObject({ disksLeft: 1, disksBlocked: 1, blocked: [{ ordinals: '0', reason: 'AlreadyInFlight', message: 'OrdinalMigration by-hand of web-0 is Pending (AlreadyInZone: web-0 is in zone a)' }] });
  });

  it('is complete when nothing is left', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['b', 'c', 'b'] });
    scene.evacuate('a');
    const status = await told(scene);
    expect(status).toMatchObject({ disksLeft: 0, disksBlocked: 0, blocked: [] });
    expect(conditionsOf(status)).toEqual(['Complete True ZoneEmpty', 'Progressing False ZoneEmpty']);
  });

  it('is not complete while the policy of a set cannot be read: nobody knows what it has there', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['b', 'c', 'b'] }, { annotations: { zones: 'b,,c' } });
    scene.evacuate('a');
    const status = await told(scene);
    expect(status.blocked?.map(({ statefulSet, reason }) => `${statefulSet} ${reason}`)).toEqual(['web InvalidPolicy']);
    expect(conditionsOf(status)).toEqual(['Complete False DisksLeft', 'Progressing False InvalidPolicy']);
  });

  it('is not told before every annotated set has been looked at', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['b', 'c', 'b'] });
    scene.addSet({ name: 'log', zones: ['a', 'b', 'c'] });
    scene.evacuate('a');
    expect(await told(scene, 'a', ['web'])).toEqual({});
    expect((await told(scene, 'a', ['log'])).disksLeft).toBe(1);
  });

  it('is written only when it says something new', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['b', 'c', 'b'] });
    scene.evacuate('a');
    await told(scene);
    const writes = scene.api.writes.length;
    await scene.clock.advance(60_000);
    await told(scene);
    expect(scene.api.writes.length).toBe(writes);
  });
});
