// Calls of the sidecars on the CSI driver: whatever the driver or the cloud behind it answers, the sidecar backs off and tries again.

import { Refusal } from '../apiserver/contract.ts';
import { messageOf } from '../csi/disk-creation.ts';
import { CsiError } from '../csi/error.ts';

/**
 * What a call threw, as it comes over gRPC: an answer that the driver did not translate is UNKNOWN. @throws what is a fault of the
 * simulation itself.
 */
export function csiErrorOf(error: unknown): CsiError {
  if (error instanceof CsiError) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error;
  return new CsiError('UNKNOWN', messageOf(error), error);
}

/** The same in the form in which workers back off. */
export function csiRefusal({ code, message }: CsiError): Refusal {
  return new Refusal({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 500, reason: `CSI${code}`, message });
}
