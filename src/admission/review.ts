// One question of the API server (an AdmissionReview of admission.k8s.io/v1), read once into what the rules look at, and the answer in
// its wire form.

import { z } from 'zod';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { allow, type Decision } from './decision.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface Review {
  uid: string;
  operation: Operation;
  /** Of `object`; for a subresource that of the subresource, e.g. autoscaling/v1 Scale. */
  kind: { group: string; version: string; kind: string };
  /** As registered (matchPolicy Equivalent converts). */
  resource: { group: string; version: string; resource: string };
  /** Empty for the object itself. */
  subResource: string;
  /** Empty for a cluster-scoped object; of a Namespace its own name. */
  namespace: string;
  /** From the object where the request names none (deletecollection, generateName); may be empty before a name is generated. */
  name: string;
  /** Absent in a DELETE. */
  object: KubernetesObject | undefined;
  /** Absent in a CREATE. */
  oldObject: KubernetesObject | undefined;
  user: { username: string; groups: readonly string[] };
  dryRun: boolean;
  /** `preconditions.uid` of the DeleteOptions of a DELETE. */
  uidPrecondition: string | undefined;
}

/** The body is no AdmissionReview that we can answer: HTTP 400. */
export class MalformedReview extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedReview';
  }
}

const groupVersion = { group: z.string().default(''), version: z.string().default('') };
const object = z.looseObject({ metadata: z.looseObject({}).default({}) }).nullish();

const envelope = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    kind: z.object({ ...groupVersion, kind: z.string() }),
    resource: z.object({ ...groupVersion, resource: z.string() }),
    subResource: z.string().default(''),
    namespace: z.string().default(''),
    name: z.string().default(''),
    object,
    oldObject: object,
    userInfo: z.object({ username: z.string().default(''), groups: z.array(z.string()).nullish() }).default({ username: '' }),
    dryRun: z.boolean().nullish(),
    options: z.looseObject({ preconditions: z.looseObject({ uid: z.string().nullish() }).nullish() }).nullish(),
  }),
});

/** From JSON. @throws MalformedReview */
export function reviewIn(text: string): Review {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new MalformedReview(`the body is no JSON: ${(error as Error).message}`);
  }
  return reviewOf(body);
}

/** @throws MalformedReview */
export function reviewOf(body: unknown): Review {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) throw new MalformedReview(`this is no AdmissionReview of admission.k8s.io/v1: ${firstIssue(parsed.error)}`);
  const { request } = parsed.data;
  const [current, old] = [asObject(request.object), asObject(request.oldObject)];
  return {
    uid: request.uid,
    operation: request.operation,
    kind: request.kind,
    resource: request.resource,
    subResource: request.subResource,
    namespace: request.namespace,
    name: request.name || nameIn(current) || nameIn(old),
    object: current,
    oldObject: old,
    user: { username: request.userInfo.username, groups: request.userInfo.groups ?? [] },
    dryRun: request.dryRun ?? false,
    uidPrecondition: request.options?.preconditions?.uid ?? undefined,
  };
}

/** The AdmissionReview to send back. */
export function answerOf(uid: string, decision: Decision): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...verdictOf(decision) } };
}

const PLAIN_ALLOW = JSON.stringify(answerOf('', allow())).split('""');

/** The JSON of an answer that allows and says nothing more. */
export function plainAllow(uid: string): string {
  return PLAIN_ALLOW.join(JSON.stringify(uid));
}

function verdictOf(decision: Decision): object {
  const warnings = decision.warnings.length === 0 ? {} : { warnings: decision.warnings };
  if (decision.kind === 'deny') {
    const status = { metadata: {}, status: 'Failure', message: decision.message, reason: decision.reason, code: decision.code };
    return { allowed: false, status, ...warnings };
  }
  if (decision.patch.length === 0) return { allowed: true, ...warnings };
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(decision.patch)).toString('base64'), ...warnings };
}

/** The API server has checked the object's shape against its kind; only the envelope is checked here. */
function asObject(value: object | null | undefined): KubernetesObject | undefined {
  return value === null || value === undefined ? undefined : (value as KubernetesObject);
}

function nameIn(value: KubernetesObject | undefined): string {
  const name: unknown = value?.metadata.name;
  return typeof name === 'string' ? name : '';
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? error.message : `${issue.path.join('.') || 'the body'}: ${issue.message}`;
}
