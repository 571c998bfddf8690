// Records of moves for pure tests: an ended, running or waiting one, of ordinal 0 of the set web into zone b unless told otherwise.

import type { OrdinalMigration, OrdinalMigrationSpec, OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';

let number = 0;

export function record({ spec = {}, metadata = {}, ...status }: OrdinalMigrationStatus & { spec?: Partial<OrdinalMigrationSpec>; metadata?: Partial<OrdinalMigration['metadata']> } = {}): OrdinalMigration {
  number += 1;
  return {
    apiVersion: 'zonespread.io/v1alpha1',
    kind: 'OrdinalMigration',
    metadata: { namespace: NAMESPACE, name: `web-0-${number}`, uid: `uid-${number}`, resourceVersion: String(number), creationTimestamp: '2026-11-20T00:00:00Z', ...metadata },
    spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 0, targetZone: 'b', reason: 'Spread', ...spec },
    status,
  };
}

/** A claim's part of a record that moves from zone a to zone b. */
export function claimRecord(changes: Partial<NonNullable<OrdinalMigrationStatus['claims']>[number]> = {}): NonNullable<OrdinalMigrationStatus['claims']>[number] {
  return {
    template: 'data',
    claimName: 'data-web-0',
    sizeGiB: 20,
    manifest: { labels: {}, annotations: {}, spec: {} },
    source: { pv: 'disk-data-web-0', pvUID: 'uid-pv', claimUID: 'uid-claim', diskId: 'd-old', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete' },
    ...changes,
  };
}
