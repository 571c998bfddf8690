// A webhook that does to pods and claims at their creation what a play asks for: gates, steers, denies. The same in both worlds; only
// the way to it differs.

import type { KubernetesObject } from '../../src/kubernetes/objects.ts';

export const GATE = 'zonespread.io/migrating';
/** Namespaces with this label are looked at. */
export const LOOKED_AT = { 'conformance.zonespread.io/play': 'yes' };

/** What holds in one namespace from now on. */
export interface Rules {
  /** Names of pods that are gated when they are made. */
  readonly gated: Set<string>;
  /** By name of a claim: the volume that it gets. */
  readonly steered: Map<string, string>;
  /** Names of claims that must not be made. */
  readonly denied: Set<string>;
}

interface Request {
  uid: string;
  name: string;
  namespace: string;
  resource: { resource: string };
}

export class Interception {
  readonly #rules = new Map<string, Rules>();

  rulesOf(namespace: string): Rules {
    const rules = this.#rules.get(namespace) ?? { gated: new Set(), steered: new Map(), denied: new Set() };
    this.#rules.set(namespace, rules);
    return rules;
  }

  /** Takes an AdmissionReview with a request, gives one with the response. */
  answer(review: Record<string, unknown>): Record<string, unknown> {
    const request = review.request as Request;
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: request.uid, ...this.#verdict(request) } };
  }

  #verdict({ name, namespace, resource }: Request): object {
    const { gated, steered, denied } = this.rulesOf(namespace);
    if (resource.resource === 'pods') return gated.has(name) ? changed('/spec/schedulingGates', [{ name: GATE }]) : { allowed: true };
    if (denied.has(name)) return { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not now' } };
    const volume = steered.get(name);
    return volume === undefined ? { allowed: true } : changed('/spec/volumeName', volume);
  }
}

function changed(path: string, value: unknown): object {
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify([{ op: 'add', path, value }])).toString('base64') };
}

/** The webhook configuration that leads to it. */
export function configurationOf({ url, caBundle }: { url: string; caBundle?: string }): KubernetesObject {
  const rule = (resource: string) => ({ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: [resource], scope: 'Namespaced' });
  return {
    metadata: { name: 'conformance' },
    webhooks: [
      {
        name: 'conformance.zonespread.io',
        clientConfig: { url, ...(caBundle === undefined ? {} : { caBundle }) },
        rules: [rule('pods'), rule('persistentvolumeclaims')],
        namespaceSelector: { matchLabels: LOOKED_AT },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        timeoutSeconds: 5,
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
