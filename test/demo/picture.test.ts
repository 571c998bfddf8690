// What there is to see, read off the objects.

import { describe, expect, test } from 'vitest';
import { ordinalsByZone, pictureOf, type Sights } from '../../src/demo/picture.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigration, OrdinalMigrationStatus } from '../../src/migration/record.ts';

describe('an ordinal', () => {
  test('is where the volume is that its claim asks for', () => {
    const { ordinals } = pictureOf(sights({ claims: [claim(0, 'pv-a'), claim(1, 'pv-b')], volumes: [volume('pv-a', 'a'), volume('pv-b', 'b')] }));

    expect(ordinals.map(({ zone }) => zone)).toEqual(['a', 'b']);
  });

  test('is nowhere while its claim is being made again', () => {
    expect(pictureOf(sights({ claims: [claim(0, 'pv-a')], volumes: [] })).ordinals.map(({ zone }) => zone)).toEqual([undefined, undefined]);
  });

  test('is Ready when its pod says so and is not being deleted', () => {
    const leaving = pod(1, true);
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';

    expect(pictureOf(sights({ pods: [pod(0, true), leaving] })).ordinals.map(({ ready }) => ready)).toEqual([true, false]);
    expect(pictureOf(sights({ pods: [pod(0, false)] })).ordinals.map(({ ready }) => ready)).toEqual([false, false]);
  });
});

describe('the move', () => {
  test('is the one under way: not those that ended, nor one that waits for its turn', () => {
    const picture = pictureOf(sights({ moves: [move(3, { phase: 'Succeeded' }), move(1, { phase: 'Pending' }), move(2, { phase: 'Running', step: 'snapshot', progress: 20 })] }));

    expect(picture.move).toMatchObject({ pod: 'web-2', step: 'snapshot', stepNumber: 6, progress: 20, to: 'b' });
    expect(picture.moved).toBe(1);
  });

  test('has its times in milliseconds', () => {
    const [stepStartedAt, unavailableSince] = ['2026-01-01T00:00:02.000Z', '2026-01-01T00:00:01.000Z'];
    const { move: seen } = pictureOf(sights({ moves: [move(2, { phase: 'Running', step: 'ready', stepStartedAt, unavailableSince, downtimeSeconds: 12.9 })] }));

    expect(seen).toMatchObject({ stepSince: Date.parse(stepStartedAt), downSince: Date.parse(unavailableSince), downtimeMs: 12_900 });
  });

  test('of a step that is not of the way forward has no number', () => {
    expect(pictureOf(sights({ moves: [move(2, { phase: 'RollingBack', step: 'restoreDetach' })] })).move?.stepNumber).toBeUndefined();
  });
});

test('every zone has its ordinals, if only none', () => {
  const picture = pictureOf(sights({ claims: [claim(0, 'pv-a'), claim(1, 'pv-a')], volumes: [volume('pv-a', 'a')] }));

  expect([...ordinalsByZone(picture)]).toEqual([['a', [0, 1]], ['b', []]]);
});

function sights(changes: Partial<Sights>): Sights {
  return { namespace: 'demo', set: 'web', replicas: 2, template: 'data', zones: ['a', 'b'], pods: [], claims: [], volumes: [], moves: [], planned: 1, ...changes };
}

function pod(ordinal: number, ready: boolean): Pod {
  return { metadata: { name: `web-${ordinal}` }, spec: {}, status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } };
}

function claim(ordinal: number, volumeName: string): PersistentVolumeClaim {
  return { metadata: { name: `data-web-${ordinal}` }, spec: { volumeName } };
}

function volume(name: string, zone: string): PersistentVolume {
  const matchExpressions = [{ key: 'topology.diskplugin.csi.alibabacloud.com/zone', operator: 'In', values: [zone] }];
  return { metadata: { name }, spec: { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } } };
}

function move(ordinal: number, status: OrdinalMigrationStatus): OrdinalMigration {
  return { metadata: { name: `web-${ordinal}-abcde` }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal, targetZone: 'b' }, status };
}
