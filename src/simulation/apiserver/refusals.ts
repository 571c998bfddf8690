// Every refusal of the API server, with the code, reason, details and words of the real one.

import type { Resource } from '../../kubernetes/objects.ts';
import { Refusal, type Status, type StatusCause, type StatusDetails } from './contract.ts';
import type { FieldError } from './field-errors.ts';
import { causeOf, messageOf, unsupported } from './field-errors.ts';

interface Words {
  code: number;
  reason: string;
  message: string;
  details?: StatusDetails;
}

export function statusOf({ code, reason, message, details }: Words): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details === undefined ? {} : { details }), code };
}

function refusal(words: Words, headers: Record<string, string> = {}): Refusal {
  return new Refusal(statusOf(words), headers);
}

/** `pods`, `statefulsets.apps`. */
export function qualified({ plural, group }: Pick<Resource, 'plural' | 'group'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function ofResource(resource: Pick<Resource, 'plural' | 'group'>, name: string): StatusDetails {
  return { ...(name === '' ? {} : { name }), ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

export function notFound(resource: Resource, name: string): Refusal {
  return refusal({ code: 404, reason: 'NotFound', message: `${qualified(resource)} "${name}" not found`, details: ofResource(resource, name) });
}

/** No such path: the group, the version or the resource is not served. */
export function noSuchResource(): Refusal {
  return refusal({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} });
}

export function alreadyExists(resource: Resource, name: string): Refusal {
  return refusal({ code: 409, reason: 'AlreadyExists', message: `${qualified(resource)} "${name}" already exists`, details: ofResource(resource, name) });
}

export function conflict(resource: Pick<Resource, 'plural' | 'group'>, name: string, why: string): Refusal {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return refusal({ code: 409, reason: 'Conflict', message, details: ofResource(resource, name) });
}

export function modified(resource: Resource, name: string): Refusal {
  return conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again');
}

/** Server-side apply of fields that others own. */
export function applyConflict(message: string, causes: StatusCause[]): Refusal {
  return refusal({ code: 409, reason: 'Conflict', message, details: { causes } });
}

export function invalid(resource: Resource, name: string, errors: FieldError[]): Refusal {
  const messages = errors.map((error) => `${error.field}: ${messageOf(error)}`);
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const message = `${kind} "${name}" is invalid: ${messages.length === 1 ? (messages[0] ?? '') : `[${[...new Set(messages)].join(', ')}]`}`;
  const details = { ...(name === '' ? {} : { name }), ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.kind, causes: errors.map(causeOf) };
  return refusal({ code: 422, reason: 'Invalid', message, details });
}

export function forbidden(resource: Pick<Resource, 'plural' | 'group'>, name: string, why: string): Refusal {
  const message = `${qualified(resource)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`;
  return refusal({ code: 403, reason: 'Forbidden', message, details: ofResource(resource, name) });
}

export function namespaceTerminating(resource: Resource, name: string, namespace: string): Refusal {
  const refused = forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  return new Refusal({ ...refused.body, details: { ...refused.body.details, causes: [cause] } });
}

export function badRequest(message: string): Refusal {
  return refusal({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): Refusal {
  return refusal({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function methodNotAllowed(): Refusal {
  return refusal({ code: 405, reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource', details: {} });
}

export function unsupportedMediaType(accepted: string[], hint = ''): Refusal {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}${hint}`;
  return refusal({ code: 415, reason: 'UnsupportedMediaType', message });
}

export function notAcceptable(): Refusal {
  const message = 'only the following media types are accepted: application/json';
  return refusal({ code: 406, reason: 'NotAcceptable', message });
}

/** A JSON patch that cannot be applied: unlike a validation error it names no field. */
export function unprocessablePatch(): Refusal {
  return refusal({ code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request', details: {} });
}

export function expired(message: string): Refusal {
  return refusal({ code: 410, reason: 'Expired', message });
}

/** An error of the server that nobody has given a reason. */
export function unexplained(message: string): Refusal {
  return refusal({ code: 500, reason: '', message });
}

export function internal(message: string): Refusal {
  return refusal({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${message}`, details: { causes: [{ message }] } });
}

export function tooLargeVersion(asked: number, current: number): Refusal {
  const details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 };
  return refusal({ code: 504, reason: 'Timeout', message: `Timeout: Too large resource version: ${asked}, current: ${current}`, details }, { 'retry-after': '1' });
}

/** A disruption budget that allows no eviction now. */
export function budgetExhausted(cause: string, retryAfterSeconds: number): Refusal {
  const details: StatusDetails = { causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) };
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  return refusal({ code: 429, reason: 'TooManyRequests', message, details }, retryAfterSeconds > 0 ? { 'retry-after': String(retryAfterSeconds) } : {});
}

/** @param options `CreateOptions`, `PatchOptions` … */
export function unknownDryRun(options: string, asked: string[]): Refusal {
  const resource = { group: 'meta.k8s.io', version: 'v1', plural: '', kind: options, namespaced: false };
  return invalid(resource, '', [unsupported('dryRun', asked, ['All'])]);
}
