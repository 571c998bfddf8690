// The PV of the new disk: a deep copy of the old one in which only what must differ differs. Pure.

import { MIGRATION_LABEL, ROLE_LABEL } from '../kubernetes/names.ts';
import type { PersistentVolume } from '../kubernetes/objects.ts';

export interface TargetVolume {
  name: string;
  diskId: string;
  fromZone: string;
  toZone: string;
  claim: { namespace: string; name: string };
  migrationUID: string;
}

/** Annotations that bind a PV to its present claim and node; a copy must not carry them. */
const NOT_COPIED = new Set(['pv.kubernetes.io/bound-by-controller', 'pv.kubernetes.io/migrated-to', 'kubectl.kubernetes.io/last-applied-configuration']);

/**
 * Retain until the move has settled; pre-bound to the claim by name alone (no uid: the claim does not exist yet); the zone rewritten
 * wherever it stands as a value of a zone key, in node affinity, labels and volume attributes.
 */
export function targetVolume(source: PersistentVolume, target: TargetVolume): PersistentVolume {
  const rezone = (value: string) => rewriteZone(value, target.fromZone, target.toZone);
  return {
    metadata: {
      name: target.name,
      labels: {
        ...mapValues(withoutOurs(source.metadata.labels ?? {}), rezone),
        [MIGRATION_LABEL]: target.migrationUID,
        [ROLE_LABEL]: 'target',
      },
      annotations: Object.fromEntries(Object.entries(source.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key))),
    },
    spec: {
      ...withAffinityTo(structuredClone(source.spec), rezone),
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...target.claim },
      ...withDisk(source.spec.csi, target.diskId, rezone),
    },
  };
}

type Rezone = (value: string) => string;

function withAffinityTo(spec: PersistentVolume['spec'], rezone: Rezone): PersistentVolume['spec'] {
  const expressions = (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term) => term.matchExpressions ?? []);
  for (const expression of expressions) if (expression.values !== undefined) expression.values = expression.values.map(rezone);
  return spec;
}

function withDisk(csi: PersistentVolume['spec']['csi'], diskId: string, rezone: Rezone): Pick<PersistentVolume['spec'], 'csi'> {
  if (csi === undefined) return {};
  const { volumeAttributes } = csi;
  return { csi: { ...csi, volumeHandle: diskId, ...(volumeAttributes === undefined ? {} : { volumeAttributes: mapValues(volumeAttributes, rezone) }) } };
}

function withoutOurs(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key !== MIGRATION_LABEL && key !== ROLE_LABEL));
}

/** `a` → `b` where the value is the zone, or a comma list that names it (a StorageClass's `zoneId`). */
function rewriteZone(value: string, from: string, to: string): string {
  return [...new Set(value.split(',').map((part) => (part.trim() === from ? to : part)))].join(',');
}

function mapValues(values: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
