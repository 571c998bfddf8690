// Which refusal of the API server means what. A caller asks here instead of comparing codes: several meanings share one code, and one
// meaning comes under several.

import { ApiError } from './api.ts';

/** Somebody else changed or replaced the object since it was read: re-read, decide again. */
export function isConflict(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  if (error.status === 409) return error.reason !== 'AlreadyExists';
  // A merge patch that carries the UID of an object that was deleted and re-created is refused as a change of an immutable field.
  return error.status === 422 && causesOf(error).some((cause) => cause.field === 'metadata.uid');
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** A `test` of a JSON patch did not hold (or a path was not there): 422 without a cause, unlike a validation error, which names fields. */
export function isTestFailed(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 422 && causesOf(error).length === 0;
}

/**
 * An eviction that a PodDisruptionBudget forbids: 429, or 500 for a pod under more than one budget, which the eviction API does not
 * support. A 429 of the server's own overload protection is told apart by its text.
 */
export function isBudgetExhausted(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  if (error.status === 500) return /more than one PodDisruptionBudget/i.test(error.message);
  if (error.status !== 429) return false;
  return causesOf(error).some((cause) => cause.reason === 'DisruptionBudget') || !/please try again later/i.test(error.message);
}

/** A create or resize that a ResourceQuota forbids (403). */
export function isQuotaExceeded(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403 && /exceeded quota|insufficient quota|failed quota/i.test(error.message);
}

/** A create in a namespace that is being deleted (403): it will never succeed. */
export function isNamespaceTerminating(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403 && causesOf(error).some((cause) => cause.reason === 'NamespaceTerminating');
}

/** The resource version, or the place in a list, is older than what the server remembers (410): list again. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

function causesOf(error: ApiError): { reason?: string; field?: string }[] {
  const details = error.body.details as { causes?: { reason?: string; field?: string }[] } | undefined;
  return details?.causes ?? [];
}
