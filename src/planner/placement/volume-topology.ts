// From where the volumes that stay can be reached, and where those that are still to be made may be made. Disks that a move makes are made
// in the zone that is asked about.

import type { Node, PersistentVolume, StorageClass } from '../../kubernetes/objects.ts';
import type { Arrival, OpenClaim } from './arrival.ts';
import { PASSES, type Filter } from './filter.ts';
import type { Labels } from './landscape.ts';
import { matchesTerms } from './node-affinity.ts';

const OUT_OF_REACH = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const OTHER_ZONE = ['node(s) had no available volume zone'];

export const volumeBinding: Filter = ({ volumes, openClaims }: Arrival) => {
  if (volumes.length + openClaims.length === 0) return () => PASSES;
  return ({ node }) => {
    const reachable = volumes.every((volume) => reaches(volume, node));
    const bindable = openClaims.every((open) => canBeMade(open, node));
    return [...(reachable ? [] : [OUT_OF_REACH]), ...(bindable ? [] : [NOTHING_TO_BIND])];
  };
};

/** Volumes are asked about labels only. */
function reaches({ spec }: PersistentVolume, { metadata }: Node): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined) return true;
  const byLabels = terms.map(({ matchExpressions = [] }) => ({ matchExpressions })).filter(({ matchExpressions }) => matchExpressions.length > 0);
  return matchesTerms(byLabels, { metadata, spec: {} });
}

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** An existing volume that would do is not looked for: a class without a provisioner offers nothing here. */
function canBeMade({ claim, storageClass }: OpenClaim, { metadata }: Node): boolean {
  const selected = claim?.metadata.annotations?.[SELECTED_NODE];
  if (selected !== undefined && selected !== metadata.name) return false;
  if (storageClass === undefined || storageClass.provisioner === NO_PROVISIONER) return false;
  return allows(storageClass, metadata.labels ?? {});
}

function allows({ allowedTopologies = [] }: StorageClass, labels: Labels): boolean {
  return allowedTopologies.length === 0 || allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')));
}

/** Labels of old volumes; on nodes the newer name of the same label does. */
const NEWER: Record<string, string> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const LABELS = [...Object.keys(NEWER), ...Object.values(NEWER)];
const JOINED = '__';

/** Volumes say where they are by label, too; a node without any such label is in a cluster of one zone. */
export const volumeZone: Filter = ({ volumes }) => {
  const asked = volumes.flatMap(({ metadata }) =>
    LABELS.flatMap((key) => {
      const value = metadata.labels?.[key];
      return value === undefined ? [] : [{ key, values: value.split(JOINED) }];
    }),
  );
  if (asked.length === 0) return () => PASSES;
  return ({ labels }) => {
    if (LABELS.every((key) => labels[key] === undefined)) return PASSES;
    return asked.every(({ key, values }) => values.includes(labels[key] ?? labels[NEWER[key] ?? ''] ?? '')) ? PASSES : OTHER_ZONE;
  };
};
