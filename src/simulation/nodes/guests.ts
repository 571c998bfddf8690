// What runs in the simulated pods: a program that looks at its disks when it starts, writes to them while it runs and once more when it
// is told to stop. Every write that the cloud takes is recorded as acknowledged.

import type { KubeletRecords, WriteFailure } from '../kubelet/records.ts';
import { nameOf, type PodIdentity } from '../kubelet/view.ts';
import type { PodDisk } from '../kubelet/volumes.ts';
import type { SimulatedCloud } from './cloud.ts';

export interface GuestsOptions {
  cloud: SimulatedCloud;
  records: KubeletRecords;
  node: string;
  instanceId: string;
}

export class Guests {
  readonly #options: GuestsOptions;

  constructor(options: GuestsOptions) {
    this.#options = options;
  }

  /** @returns whether every write was taken. */
  async start(pod: PodIdentity, disks: PodDisk[]): Promise<boolean> {
    const { cloud, records, node } = this.#options;
    for (const disk of disks) {
      const found = await cloud.contents(disk.diskId);
      records.started({ pod: nameOf(pod), uid: pod.uid, node, claim: disk.claim, diskId: disk.diskId }, found);
    }
    return this.write(pod, disks, 'start');
  }

  /** @returns whether every write was taken. */
  async write(pod: PodIdentity, disks: PodDisk[], during: WriteFailure['during']): Promise<boolean> {
    let taken = true;
    for (const disk of disks) taken = (await this.#writeOne(pod, disk, during)) && taken;
    return taken;
  }

  async #writeOne(pod: PodIdentity, disk: PodDisk, during: WriteFailure['during']): Promise<boolean> {
    const { cloud, records, instanceId } = this.#options;
    const about = { pod: nameOf(pod), uid: pod.uid, claim: disk.claim, diskId: disk.diskId };
    const text = `${WORDS[during]} ${pod.uid}`;
    try {
      const { sequence, at } = await cloud.guestWrite(instanceId, disk.diskId, about.pod, text);
      records.wrote({ ...about, sequence, at, text });
      return true;
    } catch (cause) {
      records.failed({ ...about, during, message: cause instanceof Error ? cause.message : String(cause) });
      return false;
    }
  }
}

const WORDS: Readonly<Record<WriteFailure['during'], string>> = { start: 'started', run: 'running', stop: 'stopped' };
