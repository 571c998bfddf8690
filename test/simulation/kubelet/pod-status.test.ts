import { describe, expect, it } from 'vitest';
import { podStatus, type StatusInput } from '../../../src/simulation/kubelet/pod-status.ts';

function input(overrides: Partial<StatusInput> = {}): StatusInput {
  return {
    shown: 'ready',
    now: '2026-01-01T00:00:10.000Z',
    containers: [{ name: 'web', image: 'web:1' }],
    initContainers: [],
    generation: 1,
    current: {},
    podIP: '10.64.0.2',
    hostIP: '192.168.0.2',
    uid: 'u-1',
    ...overrides,
  };
}

type Conditions = { type: string; status: string; reason?: string; lastTransitionTime?: string }[];

function condition(status: Record<string, unknown>, type: string) {
  return (status['conditions'] as Conditions).find((candidate) => candidate.type === type);
}

describe('the status of a pod', () => {
  it('is not Ready as long as a readiness gate is closed, though its containers are', () => {
    const gated = podStatus(input({ readinessGates: ['example.com/open'] }));
    expect(condition(gated, 'ContainersReady')).toMatchObject({ status: 'True' });
    expect(condition(gated, 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady', message: 'corresponding condition of pod readiness gate "example.com/open" does not exist.' });
    const open = podStatus(input({ readinessGates: ['example.com/open'], current: { conditions: [{ type: 'example.com/open', status: 'True' }] } }));
    expect(condition(open, 'Ready')).toMatchObject({ status: 'True' });
  });

  it.each([
    ['creating', 'Pending', 'False', { waiting: { reason: 'ContainerCreating' } }],
    ['running', 'Running', 'False', { running: { startedAt: '2026-01-01T00:00:10.000Z' } }],
    ['ready', 'Running', 'True', { running: { startedAt: '2026-01-01T00:00:10.000Z' } }],
    ['ended', 'Succeeded', 'False', { terminated: { exitCode: 0, reason: 'Completed' } }],
  ] as const)('%s is phase %s, Ready=%s', (shown, phase, ready, state) => {
    const status = podStatus(input({ shown }));
    expect(status['phase']).toBe(phase);
    expect(condition(status, 'Ready')?.status).toBe(ready);
    expect(condition(status, 'ContainersReady')?.status).toBe(ready);
    expect(status['containerStatuses']).toMatchObject([{ name: 'web', image: 'web:1', ready: shown === 'ready', state }]);
  });

  it('has an address once containers run', () => {
    expect(podStatus(input({ shown: 'creating' }))).not.toHaveProperty('podIP');
    expect(podStatus(input())).toMatchObject({ podIP: '10.64.0.2', podIPs: [{ ip: '10.64.0.2' }], hostIP: '192.168.0.2' });
  });

  it('keeps the conditions of others, and the times of what does not change', () => {
    const conditions = [
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:01.000Z' },
      { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:00:02.000Z' },
    ];
    const status = podStatus(input({ current: { conditions, startTime: '2026-01-01T00:00:01.000Z' } }));
    expect(condition(status, 'DisruptionTarget')).toEqual(conditions[0]);
    expect(condition(status, 'PodScheduled')?.lastTransitionTime).toBe('2026-01-01T00:00:01.000Z');
    expect(condition(status, 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:00:10.000Z');
    expect(status['startTime']).toBe('2026-01-01T00:00:01.000Z');
  });

  it('knows since when a container runs', () => {
    const running = podStatus(input({ shown: 'running', now: '2026-01-01T00:00:05.000Z' }));
    const ended = podStatus(input({ shown: 'ended', current: { containerStatuses: running['containerStatuses'] as Record<string, unknown>[] } }));
    expect(ended['containerStatuses']).toMatchObject([{ state: { terminated: { startedAt: '2026-01-01T00:00:05.000Z', finishedAt: '2026-01-01T00:00:10.000Z' } } }]);
  });

  it('has init containers behind it once the others run', () => {
    const initContainers = [{ name: 'init', image: 'init:1' }];
    expect(podStatus(input({ shown: 'creating', initContainers }))['initContainerStatuses']).toMatchObject([{ ready: false, state: { waiting: {} } }]);
    expect(podStatus(input({ initContainers }))['initContainerStatuses']).toMatchObject([{ ready: true, state: { terminated: { exitCode: 0 } } }]);
  });
});
