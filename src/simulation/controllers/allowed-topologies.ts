// Where a StorageClass lets disks be made: one of its terms, within that every key with one of its values. Without terms everywhere.

import type { StorageClass } from '../../kubernetes/objects.ts';
import type { Segments } from '../csi/volume-request.ts';

/** `labels`: of a node, or the topology that a driver gives it. */
export function allows({ allowedTopologies = [] }: StorageClass, labels: Readonly<Record<string, string>> = {}): boolean {
  return allowedTopologies.length === 0 || allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')));
}

/** Every combination of values, one segment each; undefined where the class does not say. */
export function allowedSegments({ allowedTopologies = [] }: StorageClass): Segments[] | undefined {
  if (allowedTopologies.length === 0) return undefined;
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.reduce<Segments[]>((segments, { key, values }) => segments.flatMap((segment) => values.map((value) => ({ ...segment, [key]: value }))), [{}]),
  );
}
