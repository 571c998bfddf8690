// The errors of the ECS API as data: code, HTTP status, the message that a person reads.

/** A call refused without effect. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}

/** Somebody used the simulation itself wrongly (an instance that does not exist, a write to a detached disk). */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}

export function missingParameter(name: string): Refusal {
  return new Refusal(400, `MissingParameter`, `The input parameter "${name}" that is mandatory for processing this request is not supplied.`);
}

export function invalidParameter(name: string, allowed: string): Refusal {
  return new Refusal(400, 'InvalidParameter', `The specified parameter "${name}" is not valid: ${allowed}.`);
}

/** A dry run that found nothing wrong is told so by an error; only the Describe calls of disks and snapshots have one. */
export function passedDryRun(): Refusal {
  return new Refusal(400, 'DryRunOperation', 'Request validation has been passed with DryRun flag set.');
}

export function noSuchDisk(id: string): Refusal {
  return new Refusal(404, 'InvalidDiskId.NotFound', `The specified disk ${id} does not exist.`);
}

export function noSuchSnapshot(id: string): Refusal {
  return new Refusal(404, 'InvalidSnapshotId.NotFound', `The specified snapshot ${id} does not exist.`);
}

export function noSuchInstance(id: string): Refusal {
  return new Refusal(404, 'InvalidInstanceId.NotFound', `The specified instance ${id} does not exist.`);
}

export function noSuchZone(id: string): Refusal {
  return new Refusal(404, 'InvalidZoneId.NotFound', `The specified zone ${id} does not exist.`);
}

export function wrongDiskStatus(id: string, status: string, needed: string): Refusal {
  return new Refusal(403, 'IncorrectDiskStatus', `The current disk status does not support this operation: ${id} is ${status}, it must be ${needed}.`);
}
