// Dry-run creates that show, before anything is touched, that the pod will be gated, the claim steered and the new PV accepted:
// quotas, limits, policies and other people's webhooks included.

import { ApiError } from '../kubernetes/api.ts';
import { isQuotaExceeded } from '../kubernetes/refusals.ts';
import { GATE, IN_FLIGHT_LABEL, PROBE_LABEL } from '../kubernetes/names.ts';
import { claims, namespaces, pods, resourceQuotas, statefulSetsOf, volumes, type Pod, type StatefulSet } from '../kubernetes/objects.ts';
import { parseQuantity } from '../kubernetes/quantity.ts';
import { randomLetters } from '../ports/random.ts';
import { claimFor } from './claim-manifest.ts';
import { podNameOf, type ClaimRecord } from './record.ts';
import { DONE, forEachClaim, namespaceOf, migrationUID, wait, type StepContext, type StepResult } from './step.ts';
import { targetVolume } from './target-volume.ts';

/** Each API server evaluates a namespace selector from its own informer, so several fresh connections must all show the gate. */
const PROBES = 3;

export async function liveSet(context: StepContext): Promise<StatefulSet | undefined> {
  const { apiVersion, name } = context.record.spec.statefulSetRef;
  return context.api.get(statefulSetsOf(apiVersion), { namespace: namespaceOf(context), name });
}

export async function labelNamespace(context: StepContext): Promise<void> {
  const name = namespaceOf(context);
  const namespace = await context.api.get(namespaces, { name });
  if (namespace?.metadata.labels?.[IN_FLIGHT_LABEL] === 'true') return;
  await context.api.mergePatch(namespaces, { name }, { metadata: { labels: { [IN_FLIGHT_LABEL]: 'true' } } });
}

/** `done` when a pod of the ordinal, created now, would come back gated. */
export async function webhookGates(context: StepContext, probes = 1): Promise<StepResult> {
  const set = await liveSet(context);
  if (set === undefined) return wait('OwnerGone', `StatefulSet ${context.record.spec.statefulSetRef.name} is gone`, 1_000);
  await labelNamespace(context);
  for (let probe = 0; probe < probes; probe++) {
    const answer = await podAsItWouldBe(context, set, { freshConnection: true });
    if (!(answer.spec.schedulingGates ?? []).some((gate) => gate.name === GATE)) {
      return wait('WebhookNotReady', 'the webhook does not gate pods of this namespace yet: a dry-run pod came back without the scheduling gate; see that zonespread webhook runs and is registered', 1_000);
    }
  }
  return DONE;
}

/** A pod of the ordinal as the API server would make it now, gate and all that others add. */
export async function podAsItWouldBe(context: StepContext, set: StatefulSet, options: { freshConnection?: boolean } = {}): Promise<Pod> {
  return context.api.create(pods, probePod(context, set), { dryRun: true, ...options });
}

export async function rehearseCreates(context: StepContext): Promise<StepResult> {
  const gates = await webhookGates(context, PROBES);
  if (gates.kind !== 'done') return gates;
  return forEachClaim(context, async (claim) => {
    const claimResult = await rehearseClaim(context, claim);
    return claimResult.kind === 'done' ? rehearseVolume(context, claim) : claimResult;
  });
}

async function rehearseClaim(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const namespace = namespaceOf(context);
  const probe = claimFor(claim, { namespace, volumeName: claim.source.pv, labels: { [PROBE_LABEL]: migrationUID(context) } });
  // Sent without its volume: the webhook must put it there.
  const { volumeName: _steered, ...spec } = probe.spec;
  try {
    const answer = await context.api.create(claims, { ...probe, metadata: { ...probe.metadata, name: probeName(context, claim.claimName) }, spec }, { dryRun: true });
    if (answer.spec.volumeName === claim.source.pv) return DONE;
    return wait('WebhookNotReady', `the webhook does not steer claims of this namespace yet: a dry-run claim for ${claim.claimName} came back without its volume`, 1_000);
  } catch (error) {
    if (isQuotaExceeded(error)) return quotaWithoutOldClaim(context, claim, error);
    return refusal(error, `claim ${claim.claimName} could not be created again`);
  }
}

/** The old claim's share of the quota is freed before the new claim asks for the same: it fits exactly when nothing is over its limit now. */
async function quotaWithoutOldClaim(context: StepContext, claim: ClaimRecord, error: Error): Promise<StepResult> {
  const quotas = await context.api.list(resourceQuotas, { namespace: namespaceOf(context) });
  const storageKeys = (key: string) => key.includes('storage') || key.includes('persistentvolumeclaims');
  const over = quotas.flatMap((quota) =>
    Object.entries(quota.status?.used ?? {})
      .filter(([key, used]) => storageKeys(key) && exceeds(used, quota.status?.hard?.[key]))
      .map(([key]) => `${quota.metadata.name} (${key})`),
  );
  if (over.length === 0) return DONE;
  return wait('QuotaExceeded', `claim ${claim.claimName} could not be created again: quota ${over.join(', ')} is already over its limit (${withoutProbes(error.message)}); raise it`, 10_000);
}

async function rehearseVolume(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const source = await context.api.get(volumes, { name: claim.source.pv });
  if (source === undefined) return { kind: 'giveUp', reason: 'VolumeGone', message: `PV ${claim.source.pv} of claim ${claim.claimName} is gone` };
  const name = probeName(context, claim.source.pv);
  const target = { name, diskId: name, fromZone: claim.source.zone, toZone: context.record.spec.targetZone, claim: { namespace: namespaceOf(context), name: claim.claimName }, migrationUID: migrationUID(context) };
  try {
    await context.api.create(volumes, targetVolume(source, target), { dryRun: true });
    return DONE;
  } catch (error) {
    return refusal(error, `a PV for claim ${claim.claimName} could not be created`);
  }
}

function refusal(error: unknown, what: string): StepResult {
  if (error instanceof ApiError && error.status < 500 && error.status !== 429) return wait('RehearsalRefused', `${what}: ${withoutProbes(error.message)}`, 5_000);
  throw error;
}

/** The pod as the StatefulSet controller would make it, under a name of its own. */
function probePod(context: StepContext, set: StatefulSet): Pod {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const own = new Set(templates.map((template) => template.metadata.name));
  return {
    metadata: {
      namespace: namespaceOf(context),
      name: probeName(context, podNameOf(context.record)),
      labels: { ...set.spec.template.metadata?.labels, [PROBE_LABEL]: migrationUID(context) },
      ...(set.spec.template.metadata?.annotations === undefined ? {} : { annotations: set.spec.template.metadata.annotations }),
    },
    spec: {
      ...set.spec.template.spec,
      volumes: [
        ...(set.spec.template.spec.volumes ?? []).filter((volume) => !own.has(volume.name)),
        ...templates.map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: `${template.metadata.name}-${podNameOf(context.record)}` } })),
      ],
    },
  };
}

function probeName(context: StepContext, name: string): string {
  return `${name.slice(0, 200)}-probe-${randomLetters(context.random, 5)}`;
}

/** The names of probes are others each time, and a message that changes each time is written each time. */
function withoutProbes(message: string): string {
  return message.replaceAll(/-probe-[a-z]{5}\b/g, '');
}

function exceeds(used: string, hard: string | undefined): boolean {
  return hard !== undefined && parseQuantity(used) > parseQuantity(hard);
}
