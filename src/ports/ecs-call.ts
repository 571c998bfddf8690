// One call of the ECS API: the lower seam of the cloud. The real one is a line of @alicloud/ecs20140526 per action; a simulated cloud
// answers at the same place, throwing what the SDK throws.

export type EcsAction =
  | 'ApplyAutoSnapshotPolicy'
  | 'AttachDisk'
  | 'CreateDisk'
  | 'CreateSnapshot'
  | 'DeleteDisk'
  | 'DeleteSnapshot'
  | 'DescribeAvailableResource'
  | 'DescribeDisks'
  | 'DescribeSnapshots'
  | 'DescribeZones'
  | 'DetachDisk'
  | 'ModifyDiskAttribute'
  | 'ResizeDisk'
  | 'TagResources'
  | 'UntagResources';

/** Parameters as the API documents them (`ZoneId`, `DiskCategory`, `Tag: [{ Key, Value }]`); undefined ones are not sent. */
export type EcsParameters = Record<string, unknown>;

/** The answer's JSON as the wire has it (`{ RequestId, Disks: { Disk: [...] } }`). */
export type EcsAnswer = Record<string, unknown>;

export interface EcsCall {
  /**
   * @throws what the SDK throws: an Error with `code`, `statusCode`, `requestId`, `message` for an answer of the API; anything without
   * an API code (time-out, reset, SyntaxError of a broken body) is an unknown outcome.
   */
  call(action: EcsAction, parameters: EcsParameters): Promise<EcsAnswer>;
}
