// What went wrong, for people: one sentence or two, with what to do about it, and never a stack.

import { ApiError, ApiUnreachable } from '../kubernetes/api.ts';
import { VerbEnded } from './exit.ts';

const INSTALL_CRDS = 'the custom resources of zonespread are not installed in this cluster, or the kubeconfig is of another one; install them: kubectl apply --server-side -f charts/zonespread/crds/';

export function explain(error: unknown): string {
  if (error instanceof VerbEnded) return error.message;
  if (error instanceof ApiError) return explainRefusal(error);
  if (error instanceof ApiUnreachable) return `${error.message}; see that the server runs and that --context and --kubeconfig name the right cluster`;
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${message}${cause}`;
}

function explainRefusal(error: ApiError): string {
  if (error.status === 404 && isOfOurs(error)) return `${error.message}; ${INSTALL_CRDS}`;
  if (error.status === 401) return `${error.message}; the credentials of the kubeconfig were refused: log in again, or name another --context`;
  if (error.status === 403 && isForLackOfRights(error)) return `${error.message}; ask for these rights, and see what you have: kubectl auth can-i --list`;
  return error.message;
}

/** The kind itself is not served: the refusal of a list or a create. An object that is not there is another matter. */
function isOfOurs({ message }: ApiError): boolean {
  return /\b(?:list|create|patch|watch) (?:SpreadReport|OrdinalMigration|ZoneEvacuation)\b/.test(message);
}

/** A webhook and a quota refuse with the same code, and say why in their own words. */
function isForLackOfRights({ message }: ApiError): boolean {
  return /cannot (?:get|list|watch|create|patch|update|delete) resource/.test(message);
}
