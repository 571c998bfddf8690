// The disk is off the node for certain: no VolumeAttachment, not in use by the kubelet of a Ready node, Available at the cloud. The
// cloud's stamps of that moment are the fence for all that follows.

import { nodes } from '../../kubernetes/objects.ts';
import { isTrue } from '../../kubernetes/reading.ts';
import { holdPod } from '../ordinal-pod.ts';
import { statusOf, type ClaimRecord } from '../record.ts';
import { attachmentOf, stampsOf } from '../fence.ts';
import { claimAt, DONE, forEachClaim, pollMs, saveClaim, wait, type Step, type StepContext, type StepResult } from '../step.ts';

export const detach: Step = {
  deadline: true,
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, async (claim, index) => {
      if (claim.source.detachedAt !== undefined || claim.source.attachedAt !== undefined) return DONE;
      const unmounted = await unmountedResult(context, { pv: claim.source.pv, diskId: claim.source.diskId });
      return unmounted.kind === 'done' ? recordDetached(context, claim, index) : unmounted;
    });
  },
};

async function recordDetached(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const disk = await context.disks.disk(claim.source.diskId);
  if (disk === undefined || disk.status !== 'Available' || disk.attachedTo.length > 0) {
    return wait('Detaching', `disk ${claim.source.diskId} is ${disk?.status ?? 'not visible'} at the cloud`, pollMs(context));
  }
  await saveClaim(context, index, { source: { ...claimAt(context, index).source, ...stampsOf(disk) } });
  return DONE;
}

/**
 * `done` when Kubernetes is through with the volume: an attachment that is gone does not prove a clean unmount (the controller forces it
 * after six minutes), so the node that ran the pod must be Ready and no longer list the volume, or be gone itself.
 */
export async function unmountedResult(context: StepContext, volume: { pv: string; diskId: string }): Promise<StepResult> {
  const attached = await attachmentOf(context, volume.pv);
  if (attached !== undefined) return wait('Detaching', `PV ${volume.pv} is still attached to node ${attached.spec.nodeName}`, 1_000);
  const { nodeName } = statusOf(context.record);
  const node = nodeName === undefined ? undefined : await context.api.get(nodes, { name: nodeName });
  if (node === undefined) return DONE;
  if (!isTrue(node, 'Ready')) return wait('NodeNotReady', `node ${nodeName} is not Ready, so nobody can tell whether it still writes to disk ${volume.diskId}`, 2_000);
  const inUse = (node.status?.volumesInUse ?? []).some((name) => name.endsWith(`^${volume.diskId}`));
  return inUse ? wait('VolumeInUse', `node ${nodeName} still reports disk ${volume.diskId} in use`, 1_000) : DONE;
}
