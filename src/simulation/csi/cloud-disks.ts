// Disks as the driver reads them through the ECS API, and the waiting for what they are to become.

import type { Clock } from '../../ports/clock.ts';
import type { EcsCall } from '../../ports/ecs-call.ts';
import { CsiError } from './error.ts';

export interface CloudDisk {
  id: string;
  /** `Available`, `In_use`, `Attaching`, `Detaching`, `Creating`, `ReIniting`. */
  status: string;
  zone: string;
  category: string;
  performanceLevel: string;
  sizeGiB: number;
  encrypted: boolean;
  kmsKeyId: string;
  serialNumber: string;
  /** Attaching and detaching ones included. */
  instanceIds: string[];
  tags: Record<string, string>;
}

export interface CloudDisksOptions {
  ecs: EcsCall;
  clock: Clock;
  region: string;
  /** Between two looks at a disk that is changing. */
  pollMs: number;
}

export class CloudDisks {
  readonly #options: CloudDisksOptions;

  constructor(options: CloudDisksOptions) {
    this.#options = options;
  }

  /** Undefined when the cloud shows no such disk. */
  async find(id: string): Promise<CloudDisk | undefined> {
    const disks = await this.#describe({ DiskIds: JSON.stringify([id]) });
    return disks[0];
  }

  async withTag(key: string, value: string): Promise<CloudDisk[]> {
    return this.#describe({ Tag: [{ Key: key, Value: value }] });
  }

  /** Looks until the condition holds and returns that look; undefined when there is no such disk (any more). @throws CsiError DEADLINE_EXCEEDED when the signal aborts first. */
  async until(id: string, condition: (disk: CloudDisk) => boolean, signal: AbortSignal): Promise<CloudDisk | undefined> {
    for (;;) {
      const disk = await this.find(id);
      if (disk === undefined || condition(disk)) return disk;
      await this.#options.clock.sleep(this.#options.pollMs, signal);
      if (signal.aborted) throw new CsiError('DEADLINE_EXCEEDED', `disk ${id} is still ${disk.status}`);
    }
  }

  async #describe(filter: Record<string, unknown>): Promise<CloudDisk[]> {
    const answer = await this.#options.ecs.call('DescribeDisks', { RegionId: this.#options.region, ...filter });
    return rows(answer['Disks'], 'Disk').map(readDisk);
  }
}

export function attachedTo(disk: CloudDisk, instanceId: string): boolean {
  return disk.instanceIds.includes(instanceId);
}

function readDisk(row: Row): CloudDisk {
  const attachments = rows(row['Attachments'], 'Attachment').map((attachment) => text(attachment['InstanceId']));
  return {
    id: text(row['DiskId']),
    status: text(row['Status']),
    zone: text(row['ZoneId']),
    category: text(row['Category']),
    performanceLevel: text(row['PerformanceLevel']),
    sizeGiB: Number(row['Size']),
    encrypted: row['Encrypted'] === true,
    kmsKeyId: text(row['KMSKeyId']),
    serialNumber: text(row['SerialNumber']),
    instanceIds: [...new Set([...attachments, text(row['InstanceId'])])].filter((id) => id !== ''),
    tags: Object.fromEntries(rows(row['Tags'], 'Tag').map((tag) => [text(tag['TagKey'] ?? tag['Key']), text(tag['TagValue'] ?? tag['Value'])])),
  };
}

type Row = Record<string, unknown>;

/** The API wraps every list: `{ Disk: [ … ] }`. */
function rows(wrapper: unknown, key: string): Row[] {
  const list = (wrapper as Row | undefined)?.[key];
  return Array.isArray(list) ? (list as Row[]) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
