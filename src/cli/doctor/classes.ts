// StorageClasses that will put new disks where their pods, or their sets, do not want them.

import { keyOf } from '../../policy/annotations.ts';
import { storageClasses, type StatefulSet, type StorageClass } from '../../kubernetes/objects.ts';
import { nameOf } from '../../kubernetes/reading.ts';
import { DISK_DRIVER, ZONE_KEYS } from '../../layout/zones.ts';
import { fewOf } from '../../planner/few.ts';
import { ok, warning, type Check, type Finding, type Patient } from './finding.ts';

export const classes: Check = {
  area: 'StorageClasses',
  looks: [classFindings],
};

async function classFindings({ api, sets }: Patient): Promise<Finding[]> {
  const own = (await api.list(storageClasses)).filter(({ provisioner }) => provisioner === DISK_DRIVER);
  const findings = own.flatMap((one) => [...bindingFindings(one), ...zoneFindings(one, sets)]);
  return findings.length > 0 ? findings : [ok(own.length === 0 ? 'no StorageClass is of the disk driver' : `new disks are made where their pods go (${fewOf(own.map(({ metadata }) => metadata.name))})`)];
}

/** Kubernetes binds at once when a class does not say. */
function bindingFindings({ metadata, volumeBindingMode = 'Immediate' }: StorageClass): Finding[] {
  if (volumeBindingMode !== 'Immediate') return [];
  return [warning(`StorageClass ${metadata.name} has volumeBindingMode Immediate: a new disk is made before its pod has a node, in any zone`, 'make another class with volumeBindingMode: WaitForFirstConsumer (the field of this one cannot be changed), and use it in new sets')];
}

/** A class that is bound to zones goes on making new disks there, which then have to move. */
function zoneFindings(storageClass: StorageClass, sets: readonly StatefulSet[]): Finding[] {
  const bound = zonesOf(storageClass);
  if (bound.length === 0) return [];
  return sets.flatMap((set) => {
    const uses = (set.spec.volumeClaimTemplates ?? []).some(({ spec }) => spec.storageClassName === storageClass.metadata.name);
    const declared = (set.metadata.annotations?.[keyOf('zones')] ?? '').split(',').map((zone) => zone.trim()).filter((zone) => zone !== '' && zone !== '*');
    const left = declared.filter((zone) => !bound.includes(zone));
    if (!uses || left.length === 0) return [];
    return [warning(`StorageClass ${storageClass.metadata.name} makes disks in ${bound.join(', ')} only, and set ${nameOf(set)} declares ${left.join(', ')}, too: new ordinals are born in the wrong zone`, 'nothing has to be done: they are moved once they run. To spare those moves, use a class without zoneId and allowedTopologies in new sets (the one of a set cannot be changed)')];
  });
}

function zonesOf({ parameters = {}, allowedTopologies = [] }: StorageClass): string[] {
  const listed = (parameters['zoneId'] ?? parameters['zoneid'] ?? '').split(',').map((zone) => zone.trim()).filter((zone) => zone !== '');
  const allowed = allowedTopologies.flatMap(({ matchLabelExpressions = [] }) => matchLabelExpressions.filter(({ key }) => (ZONE_KEYS as readonly string[]).includes(key)).flatMap(({ values }) => values));
  return [...new Set([...listed, ...allowed])];
}
