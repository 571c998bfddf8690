import { describe, expect, it } from 'vitest';
import { ApiError, ApiUnreachable } from '../../src/kubernetes/api.ts';
import { createEventRecorder, type EventContent, type EventRecorder } from '../../src/kubernetes/event-recorder.ts';
import { events, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';

const web: KubernetesObject = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { namespace: 'shop', name: 'web', uid: 'u-web' } };
const blocked: EventContent = { type: 'Warning', reason: 'SpreadBlocked', message: 'ordinal 2: PodDisruptionBudget shop/web allows none' };
const HOUR = 3_600_000;

function scene(): { api: FakeApi; clock: FakeClock; log: FakeLog; recorder: EventRecorder } {
  const clock = new FakeClock();
  const api = new FakeApi({ clock });
  const log = new FakeLog();
  return { api, clock, log, recorder: start(api, clock, log) };
}

function start(api: FakeApi, clock: FakeClock, log = new FakeLog()): EventRecorder {
  return createEventRecorder({ api, clock, log, component: 'zonespread-controller', instance: 'zonespread-0' });
}

describe('events', () => {
  it('say what happened to which object', async () => {
    const { api, clock, recorder } = scene();
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    const [event] = api.readAll(events);
    expect(event).toMatchObject({
      involvedObject: { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'shop', name: 'web', uid: 'u-web' },
      ...blocked,
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'zonespread-controller' },
      reportingComponent: 'zonespread-controller',
      reportingInstance: 'zonespread-0',
    });
    expect(event!.metadata.namespace).toBe('shop');
    expect(event!.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
  });

  it('are not written again within an hour, then counted on the same event', async () => {
    const { api, clock, recorder } = scene();
    for (let sweep = 0; sweep < 12; sweep += 1) {
      recorder.record(web, blocked);
      await clock.advance(299_000);
    }
    expect(api.writes.map((call) => call.verb)).toEqual(['create']);
    await clock.advance(HOUR - 12 * 299_000);
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.writes.map((call) => call.verb)).toEqual(['create', 'mergePatch']);
    expect(api.readAll(events)).toMatchObject([{ count: 13, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T01:00:00Z' }]);
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.writes).toHaveLength(2);
  });

  it('are found again by a restarted daemon, which writes nothing either', async () => {
    const { api, clock, recorder } = scene();
    recorder.record(web, blocked);
    await clock.advance(HOUR / 2);
    const second = start(api, clock);
    second.record(web, blocked);
    await clock.advance(HOUR / 4);
    second.record(web, blocked);
    await clock.settle(second.flush());
    expect(api.writes).toHaveLength(1);
    await clock.advance(HOUR / 4);
    second.record(web, blocked);
    await clock.settle(second.flush());
    expect(api.readAll(events)).toMatchObject([{ count: 4 }]);
  });

  it('begin anew when the old one has ended its life', async () => {
    const { api, clock, recorder } = scene();
    recorder.record(web, blocked);
    await clock.advance(2 * HOUR);
    for (const event of api.readAll(events)) api.remove(events, { namespace: 'shop', name: event.metadata.name });
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.readAll(events)).toMatchObject([{ count: 2, firstTimestamp: '2026-01-01T02:00:00Z' }]);
  });

  it('are others for another reason, message or object of the same name', async () => {
    const { api, clock, recorder } = scene();
    recorder.record(web, blocked);
    recorder.record(web, { ...blocked, message: 'ordinal 3: …' });
    recorder.record(web, { ...blocked, reason: 'SpreadPlanned' });
    recorder.record({ ...web, metadata: { ...web.metadata, uid: 'u-web-again' } }, blocked);
    recorder.record({ apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'h', uid: 'u-h' } }, blocked);
    await clock.settle(recorder.flush());
    expect(api.readAll(events).map((event) => event.metadata.namespace)).toEqual(['default', 'shop', 'shop', 'shop', 'shop']);
  });

  it('never throw into the caller: tried again, then logged, and written at the next occasion', async () => {
    const { api, clock, log, recorder } = scene();
    const heal = api.on('create', events, () => Promise.reject(new ApiUnreachable('reset', undefined)));
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.calls.filter((call) => call.verb === 'create')).toHaveLength(3);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'an event could not be written', fields: { object: 'StatefulSet shop/web', reason: 'SpreadBlocked' } }]);
    heal();
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.readAll(events)).toMatchObject([{ count: 2 }]);
  });

  it('are given up at once when they are refused', async () => {
    const { api, clock, log, recorder } = scene();
    api.on('create', events, () => Promise.reject(new ApiError('create Event: forbidden (403 Forbidden)', { status: 403, reason: 'Forbidden' })));
    recorder.record(web, blocked);
    await clock.settle(recorder.flush());
    expect(api.calls.filter((call) => call.verb === 'create')).toHaveLength(1);
    expect(log.messages('warn')).toHaveLength(1);
  });

  it('of one object are limited, of others not', async () => {
    const { api, clock, log, recorder } = scene();
    for (let at = 0; at < 70; at += 1) recorder.record(web, { ...blocked, message: `message ${at}` });
    recorder.record({ ...web, metadata: { ...web.metadata, name: 'db', uid: 'u-db' } }, blocked);
    await clock.settle(recorder.flush());
    expect(api.readAll(events)).toHaveLength(51);
    expect(log.messages('warn')).toHaveLength(20);
    await clock.advance(60_000);
    for (let at = 50; at < 60; at += 1) recorder.record(web, { ...blocked, message: `message ${at}` });
    await clock.settle(recorder.flush());
    expect(api.readAll(events)).toHaveLength(53);
  });

  it('keep to the length that the API server allows', async () => {
    const { api, clock, recorder } = scene();
    recorder.record({ ...web, metadata: { ...web.metadata, name: 'w'.repeat(253) } }, { ...blocked, message: 'm'.repeat(5000) });
    await clock.settle(recorder.flush());
    const [event] = api.readAll(events);
    expect((event!.message as string).length).toBe(1024);
    expect(event!.metadata.name.length).toBeLessThanOrEqual(253);
  });
});
