// What the agents need of a simulated cloud beside its API: machines to attach disks to, and what guests do with their disks. EcsModel
// has it; so can a proxy of one that runs elsewhere.

import type { EcsCall } from '../../ports/ecs-call.ts';
import type { DiskWrite } from '../kubelet/records.ts';

export interface SimulatedCloud extends EcsCall {
  readonly region: string;
  /** Adding it again changes nothing. */
  addInstance(instance: { id: string; zone: string }): void | Promise<void>;
  /** The machine is gone, its disks are detached. */
  removeInstance(id: string): void | Promise<void>;
  /** @throws Error unless the disk is in use on that very instance. */
  guestWrite(instanceId: string, diskId: string, writer: string, text?: string): DiskWrite | Promise<DiskWrite>;
  /** Oldest first. */
  contents(diskId: string): DiskWrite[] | Promise<DiskWrite[]>;
}
