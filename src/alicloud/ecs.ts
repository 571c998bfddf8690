// The ECS API through its official SDK: one line per action. The SDK is loaded when the first call is made, for it costs a third of a
// second and some 65 MB.

import { createRequire } from 'node:module';
import type CredentialsModule from '@alicloud/credentials';
import type EcsModule from '@alicloud/ecs20140526';
import type CoreModule from '@alicloud/openapi-core';
import type { Clock } from '../ports/clock.ts';
import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../ports/ecs-call.ts';
import { renewedCredential } from './credentials.ts';
import { requestModel } from './models.ts';
import { observeCalls, type Observe } from './observed.ts';

export interface EcsOptions {
  region: string;
  /** `host` or `host:port`. Without it the public endpoint of the region; inside a VPC name `ecs-vpc.<region>.aliyuncs.com`. */
  endpoint?: string | undefined;
  protocol?: 'HTTP' | 'HTTPS' | undefined;
  clock: Clock;
  /** Also the longest silence on a connection: the SDK uses one timer for both. */
  connectTimeoutMs?: number;
  /** From the connection to the answer's end. */
  readTimeoutMs?: number;
  observe?: Observe | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 20_000;

type Sdk = typeof EcsModule;
type Client = InstanceType<Sdk['default']>;
/** What every action answers: a body that can say itself in the words of the wire. */
type Send = (sdk: Sdk, client: Client, parameters: EcsParameters) => Promise<{ body?: { toMap(): Record<string, unknown> } }>;

const SEND: Record<EcsAction, Send> = {
  ApplyAutoSnapshotPolicy: (sdk, client, wish) => client.applyAutoSnapshotPolicy(requestModel(sdk.ApplyAutoSnapshotPolicyRequest, wish)),
  AttachDisk: (sdk, client, wish) => client.attachDisk(requestModel(sdk.AttachDiskRequest, wish)),
  CreateDisk: (sdk, client, wish) => client.createDisk(requestModel(sdk.CreateDiskRequest, wish)),
  CreateSnapshot: (sdk, client, wish) => client.createSnapshot(requestModel(sdk.CreateSnapshotRequest, wish)),
  DeleteDisk: (sdk, client, wish) => client.deleteDisk(requestModel(sdk.DeleteDiskRequest, wish)),
  DeleteSnapshot: (sdk, client, wish) => client.deleteSnapshot(requestModel(sdk.DeleteSnapshotRequest, wish)),
  DescribeAvailableResource: (sdk, client, wish) => client.describeAvailableResource(requestModel(sdk.DescribeAvailableResourceRequest, wish)),
  DescribeDisks: (sdk, client, wish) => client.describeDisks(requestModel(sdk.DescribeDisksRequest, wish)),
  DescribeSnapshots: (sdk, client, wish) => client.describeSnapshots(requestModel(sdk.DescribeSnapshotsRequest, wish)),
  DescribeZones: (sdk, client, wish) => client.describeZones(requestModel(sdk.DescribeZonesRequest, wish)),
  DetachDisk: (sdk, client, wish) => client.detachDisk(requestModel(sdk.DetachDiskRequest, wish)),
  ModifyDiskAttribute: (sdk, client, wish) => client.modifyDiskAttribute(requestModel(sdk.ModifyDiskAttributeRequest, wish)),
  ResizeDisk: (sdk, client, wish) => client.resizeDisk(requestModel(sdk.ResizeDiskRequest, wish)),
  TagResources: (sdk, client, wish) => client.tagResources(requestModel(sdk.TagResourcesRequest, wish)),
  UntagResources: (sdk, client, wish) => client.untagResources(requestModel(sdk.UntagResourcesRequest, wish)),
};

export function createEcsCall(options: EcsOptions): EcsCall {
  let connection: Connection | undefined;
  const send = async (action: EcsAction, parameters: EcsParameters): Promise<EcsAnswer> => {
    connection ??= connect(options);
    const { body } = await SEND[action](connection.sdk, connection.client, parameters);
    const answer = body?.toMap() ?? {};
    // A proxy on the way may answer 200 with JSON of its own: that is no word of the API, and must not pass for "done".
    if (typeof answer['RequestId'] !== 'string') throw new Error(`the answer to ${action} has no request id: it is not from the ECS API`);
    return answer;
  };
  return observeCalls({ call: send }, options);
}

/**
 * CommonJS packages, and loaded as such: an `import()` would give the class as `default` or as `default.default`, depending on who loads
 * (Node or a test runner).
 */
const load = createRequire(import.meta.url);

/**
 * Now instead of at the first call: loading blocks the process for that third of a second, many times longer on a busy machine or under
 * a CPU limit, and whoever holds a lease by then may lose it.
 */
export function loadEcsSdk(): void {
  for (const name of ['@alicloud/ecs20140526', '@alicloud/openapi-core', '@alicloud/credentials']) load(name);
}

interface Connection {
  sdk: Sdk;
  client: Client;
}

function connect(options: EcsOptions): Connection {
  const sdk = load('@alicloud/ecs20140526') as Sdk;
  const { Config } = (load('@alicloud/openapi-core') as typeof CoreModule).$OpenApiUtil;
  const Credential = (load('@alicloud/credentials') as typeof CredentialsModule).default;
  const config = new Config({
    regionId: options.region,
    // Retries are the caller's: the SDK makes none unless it is told to.
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    readTimeout: options.readTimeoutMs ?? READ_TIMEOUT_MS,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
  });
  config.credential = renewedCredential(() => new Credential());
  return { sdk, client: new sdk.default(config) };
}
