// What is asked of the cloud, persisted before it is asked: token, parameters, tags. A token is never minted twice for the same thing.

import { ATTEMPT_TAG, CLAIM_TAG, CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../kubernetes/names.ts';
import type { CreateIntent, Disk, DiskParams, SnapshotParams } from '../ports/disks.ts';
import { podNameOf, type ClaimRecord } from './record.ts';
import { namespaceOf, migrationUID, type StepContext } from './step.ts';

/** What was asked for, if it was. */
export function recordedIntent<P>(slot: Partial<CreateIntent<P>> | undefined): CreateIntent<P> | undefined {
  const { token, params, requestedAt } = slot ?? {};
  return token === undefined || params === undefined || requestedAt === undefined ? undefined : { token, params, requestedAt };
}

/** The intent in the record, or the new one after it has been persisted. */
export async function ensureIntent<P>(recorded: Partial<CreateIntent<P>> | undefined, fresh: CreateIntent<P>, persist: (intent: CreateIntent<P>) => Promise<void>): Promise<CreateIntent<P>> {
  const known = recordedIntent(recorded);
  if (known !== undefined) return known;
  await persist(fresh);
  return fresh;
}

export function snapshotIntent(context: StepContext, claim: ClaimRecord, of: { diskId: string; role: 'source' | 'rescue' }): CreateIntent<SnapshotParams> {
  return {
    token: context.random.uuid(),
    requestedAt: new Date(context.clock.now()).toISOString(),
    params: {
      diskId: of.diskId,
      name: cloudName(`zonespread-${claim.claimName}`),
      description: `zonespread: move of ${namespaceOf(context)}/${podNameOf(context.record)} to ${context.record.spec.targetZone}`,
      tags: ourTags(context, claim, of.role),
    },
  };
}

/** The new disk is like the old one but for its zone; our tags go first, then the source's as far as there is room. */
export function diskIntent(context: StepContext, claim: ClaimRecord, from: { source: Disk; snapshotId: string; maxTags: number }): { intent: CreateIntent<DiskParams>; droppedTags: string[] } {
  const { source } = from;
  const ours = ourTags(context, claim, 'target');
  const copied = Object.entries(source.tags).filter(([key]) => !key.startsWith('zonespread.io/') && !key.startsWith('acs:'));
  const room = from.maxTags - Object.keys(ours).length;
  return {
    droppedTags: copied.slice(room).map(([key]) => key),
    intent: {
      token: context.random.uuid(),
      requestedAt: new Date(context.clock.now()).toISOString(),
      params: {
        snapshotId: from.snapshotId,
        zone: context.record.spec.targetZone,
        name: cloudName(claim.claimName),
        description: `zonespread: disk of ${namespaceOf(context)}/${claim.claimName}, made from ${source.id}`,
        category: source.category,
        ...(source.performanceLevel === undefined ? {} : { performanceLevel: source.performanceLevel }),
        sizeGiB: source.sizeGiB,
        encrypted: source.encrypted,
        ...(source.kmsKeyId === undefined ? {} : { kmsKeyId: source.kmsKeyId }),
        ...(source.resourceGroupId === undefined ? {} : { resourceGroupId: source.resourceGroupId }),
        ...(source.burstingEnabled === undefined ? {} : { burstingEnabled: source.burstingEnabled }),
        ...(source.provisionedIops === undefined ? {} : { provisionedIops: source.provisionedIops }),
        tags: { ...ours, ...Object.fromEntries(copied.slice(0, room)) },
      },
    },
  };
}

function ourTags(context: StepContext, claim: ClaimRecord, role: string): Record<string, string> {
  return {
    [MIGRATION_LABEL]: migrationUID(context),
    [CLUSTER_TAG]: context.clusterUID,
    [CLAIM_TAG]: claim.template.slice(0, 128),
    [ROLE_LABEL]: role,
    [ATTEMPT_TAG]: String(context.record.status?.attempt ?? 1),
  };
}

/** ECS names: 2–128 characters, a letter first. */
function cloudName(name: string): string {
  return name.slice(0, 128);
}
