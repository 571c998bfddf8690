// `--prepull`: whether the landing node has the workload's images. What cannot be pulled there would keep the pod from starting there, too.

import type { Pod } from '../../kubernetes/objects.ts';
import { DONE, wait, type StepContext, type StepResult } from '../step.ts';
import { containersThatPull } from './containers.ts';
import { livePlaceholder } from './reservation.ts';

/** `done`: its node has all of them, or they are not asked for. */
export async function imagesPulled(context: StepContext): Promise<StepResult> {
  const pod = context.reserving.prepull ? await livePlaceholder(context) : undefined;
  const awaited = pod === undefined ? [] : containersThatPull(pod).flatMap((container) => whatIsAwaited(pod, container));
  return awaited.length === 0 ? DONE : wait('ImageNotPulled', `node ${pod?.spec.nodeName ?? ''} has not pulled ${awaited.join('; ')}`, 1_000);
}

interface ContainerStatus {
  name?: string;
  imageID?: string;
  state?: { waiting?: { reason?: string; message?: string }; terminated?: object; running?: object };
}

/** Come after the pull. */
const LATER_TROUBLES = new Set(['CreateContainerError', 'CreateContainerConfigError', 'RunContainerError', 'CrashLoopBackOff']);

function whatIsAwaited(pod: Pod, { name, image }: { name: string; image: string }): string[] {
  const status = ((pod.status?.containerStatuses ?? []) as ContainerStatus[]).find((one) => one.name === name);
  if (status !== undefined && isPulled(status)) return [];
  const { reason, message } = status?.state?.waiting ?? {};
  const why = [reason, message].filter((part) => part !== undefined && part !== '').join(': ');
  return [why === '' ? `image ${image}` : `image ${image} (${why})`];
}

function isPulled({ imageID = '', state = {} }: ContainerStatus): boolean {
  return imageID !== '' || state.terminated !== undefined || state.running !== undefined || LATER_TROUBLES.has(state.waiting?.reason ?? '');
}
