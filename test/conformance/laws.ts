// What Kubernetes promises of every history, whatever is played: which event comes before which other one.

import type { PersistentVolume, Pod, VolumeAttachment } from '../../src/kubernetes/objects.ts';
import { isScheduled, uidOf } from '../../src/kubernetes/reading.ts';
import type { Moment } from './chronicle.ts';

type Law = (moments: readonly Moment[]) => string[];

/** Sentences about what came in the wrong order; empty when the history is one that Kubernetes allows. */
export function lawsBroken(moments: readonly Moment[]): string[] {
  return LAWS.flatMap((law) => law(moments));
}

const kindOf = ({ subject }: Moment): string => subject.slice(0, subject.indexOf(' '));

/** The scheduler binds a pod only when all its claims are bound (by their annotation, which comes before the phase). One that came with a node never asked it. */
const boundBeforeScheduled: Law = (moments) =>
  ofPods(moments, 'scheduled').flatMap(({ pod, moment, wasUnscheduled }) =>
    (wasUnscheduled ? claimsOf(pod) : [])
      .filter((name) => !lastBefore(moments, moment, (other) => kindOf(other) === 'claim' && other.object.metadata.name === name)?.state.match(/^(?:Binding|Bound) /))
      .map((name) => `${moment.subject} was scheduled before its claim ${name} was bound`),
  );

/** A volume says whose it is before the claim is Bound. */
const volumeFirst: Law = (moments) =>
  moments
    .filter((moment) => kindOf(moment) === 'claim' && moment.state.startsWith('Bound of '))
    .filter((moment) => !moments.some((other) => other.revision < moment.revision && kindOf(other) === 'volume' && (other.object as PersistentVolume).spec.claimRef?.uid === uidOf(moment.object)))
    .map(({ subject, state }) => `${subject} was ${state} before any volume named it`);

/** A volume is Released only when its claim is gone, or bound to another one. */
const goneBeforeReleased: Law = (moments) =>
  moments
    .filter((moment) => kindOf(moment) === 'volume' && moment.state.startsWith('Released by '))
    .filter((moment) => {
      const claim = moments.filter(({ subject, revision }) => subject === `claim ${moment.state.slice('Released by '.length)}` && revision < moment.revision);
      const elsewhere = claim.some(({ object }) => ![undefined, '', moment.object.metadata.name].includes((object.spec as { volumeName?: string }).volumeName));
      return claim.length > 0 && !elsewhere && !claim.some(({ state }) => state === 'gone');
    })
    .map(({ subject, state }) => `${subject} was ${state} before that was gone`);

/** No claim goes while a pod that is on a node names it. */
const claimsOutliveTheirPods: Law = (moments) =>
  moments
    .filter((moment) => kindOf(moment) === 'claim' && moment.state === 'gone')
    .flatMap((moment) =>
      podsAt(moments, moment)
        .filter((pod) => isScheduled(pod.object as Pod) && claimsOf(pod.object as Pod).includes(moment.object.metadata.name))
        .map(({ subject }) => `${moment.subject} was gone while ${subject} was on a node`),
    );

/** Containers start only once the disks are attached. */
const attachedBeforeRunning: Law = (moments) => {
  const told = moments.some((moment) => kindOf(moment) === 'attachment');
  if (!told) return [];
  return [...ofPods(moments, 'running'), ...ofPods(moments, 'ready')].flatMap(({ pod, moment }) =>
    claimsOf(pod).flatMap((name) => {
      const claim = lastBefore(moments, moment, (other) => kindOf(other) === 'claim' && other.object.metadata.name === name);
      const volume = (claim?.object.spec as { volumeName?: string } | undefined)?.volumeName;
      const attached = moments.some((other) => kindOf(other) === 'attachment' && other.state === 'attached' && other.revision < moment.revision && isOn(other, volume, pod.spec.nodeName));
      return attached ? [] : [`${moment.subject} ran before the disk of ${name} was attached`];
    }),
  );
};

/** A disk that one node may have is not asked for elsewhere before it is let go. */
const oneNodeAtATime: Law = (moments) => {
  const holders = new Map<string, string>();
  return moments.flatMap((moment) => {
    if (kindOf(moment) !== 'attachment') return [];
    const { nodeName, source } = (moment.object as VolumeAttachment).spec;
    const volume = source.persistentVolumeName ?? '';
    const holder = holders.get(volume);
    if (moment.state === 'gone') holders.delete(volume);
    else holders.set(volume, nodeName);
    return holder !== undefined && holder !== nodeName ? [`${moment.subject} was on two nodes at once`] : [];
  });
};

const LAWS: readonly Law[] = [boundBeforeScheduled, volumeFirst, goneBeforeReleased, claimsOutliveTheirPods, attachedBeforeRunning, oneNodeAtATime];

function ofPods(moments: readonly Moment[], state: string): { pod: Pod; moment: Moment; wasUnscheduled: boolean }[] {
  return moments
    .filter((moment) => kindOf(moment) === 'pod' && moment.state === state)
    .map((moment) => ({ moment, pod: moment.object as Pod, wasUnscheduled: moments.some((other) => other.subject === moment.subject && other.revision < moment.revision) }));
}

function claimsOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.ephemeral !== undefined) return [`${pod.metadata.name}-${volume.name}`];
    return volume.persistentVolumeClaim === undefined ? [] : [volume.persistentVolumeClaim.claimName];
  });
}

function lastBefore(moments: readonly Moment[], moment: Moment, matches: (other: Moment) => boolean): Moment | undefined {
  return moments.findLast((other) => other.revision < moment.revision && matches(other));
}

/** The last state of each pod that was there at that moment. */
function podsAt(moments: readonly Moment[], moment: Moment): Moment[] {
  const last = new Map<string, Moment>();
  for (const other of moments) if (other.revision < moment.revision && kindOf(other) === 'pod') last.set(other.subject, other);
  return [...last.values()].filter(({ state }) => state !== 'gone');
}

function isOn({ object }: Moment, volume: string | undefined, node: string | undefined): boolean {
  const { nodeName, source } = (object as VolumeAttachment).spec;
  return nodeName === node && source.persistentVolumeName === volume;
}
