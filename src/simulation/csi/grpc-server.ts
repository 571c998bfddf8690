// The disk controller as a CSI driver: the Identity and Controller services of csi.proto over a Unix socket, for the real sidecars.

import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { DiskController, Volume } from './controller.ts';
import { CsiError, type CsiCode } from './error.ts';
import { DISK_DRIVER } from './names.ts';
import type { CreateVolumeRequest, Segments } from './volume-request.ts';

export interface CsiServer {
  /** Path of the Unix socket that it listens at. */
  readonly socketPath: string;
  /** Ends calls that are under way with CANCELLED. May be called again. */
  stop(): Promise<void>;
}

export interface CsiServerOptions {
  controller: DiskController;
  /** Of a socket that does not exist yet, in a folder that does. The system allows about 100 characters. */
  socketPath: string;
  /** Gets a line for every call that failed. */
  log?: (line: string) => void;
}

const CONTROLLER_CAPABILITIES = ['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME'];
const PLUGIN_CAPABILITIES = ['CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS'];

/** @throws Error when the socket cannot be opened. */
export async function serveCsi(options: CsiServerOptions): Promise<CsiServer> {
  const server = new grpc.Server();
  const csi = loadCsi();
  server.addService(csi.Identity.service, identityService());
  server.addService(csi.Controller.service, controllerService(options));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${options.socketPath}`, grpc.ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
  });
  return {
    socketPath: options.socketPath,
    async stop() {
      server.forceShutdown();
    },
  };
}

export interface CsiClients {
  Identity: grpc.ServiceClientConstructor;
  Controller: grpc.ServiceClientConstructor;
}

/** The services of csi.proto; field names as in the file, enums as their names, 64-bit numbers as numbers (a disk has fewer than 2^53 bytes). */
export function loadCsi(): CsiClients {
  const path = fileURLToPath(new URL('csi.proto', import.meta.url));
  const definition = loadSync(path, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as { csi: { v1: CsiClients } };
  return loaded.csi.v1;
}

function identityService(): grpc.UntypedServiceImplementation {
  return {
    GetPluginInfo: unary(async () => ({ name: DISK_DRIVER, vendor_version: 'simulation' })),
    GetPluginCapabilities: unary(async () => ({ capabilities: PLUGIN_CAPABILITIES.map((type) => ({ service: { type } })) })),
    Probe: unary(async () => ({ ready: { value: true } })),
  };
}

function controllerService({ controller, log }: CsiServerOptions): grpc.UntypedServiceImplementation {
  const logged = (name: string, answer: Answer) => unary(answer, (error) => log?.(`${name}: ${error.message}`));
  return {
    ControllerGetCapabilities: unary(async () => ({ capabilities: CONTROLLER_CAPABILITIES.map((type) => ({ rpc: { type } })) })),
    CreateVolume: logged('CreateVolume', async (request) => ({ volume: volumeMessage(await controller.createVolume(readCreateVolume(request))) })),
    DeleteVolume: logged('DeleteVolume', async (request, signal) => {
      await controller.deleteVolume(required(request, 'volume_id'), signal);
      return {};
    }),
    ControllerPublishVolume: logged('ControllerPublishVolume', async (request, signal) => {
      const { serialNumber } = await controller.publish(required(request, 'volume_id'), required(request, 'node_id'), signal);
      return { publish_context: { serialNumber } };
    }),
    ControllerUnpublishVolume: logged('ControllerUnpublishVolume', async (request, signal) => {
      await controller.unpublish(required(request, 'volume_id'), required(request, 'node_id'), signal);
      return {};
    }),
    ValidateVolumeCapabilities: logged('ValidateVolumeCapabilities', async (request) => ({
      confirmed: { volume_capabilities: request['volume_capabilities'] },
    })),
  };
}

type Message = Record<string, unknown>;
type Answer = (request: Message, signal: AbortSignal) => Promise<Message>;

/** The signal aborts when the caller gave up or its deadline has passed. */
function unary(answer: Answer, failed?: (error: Error) => void): grpc.handleUnaryCall<Message, Message> {
  return (call, callback) => {
    const given = new AbortController();
    call.on('cancelled', () => given.abort());
    const work = async (): Promise<void> => {
      const outcome = await settle(answer(call.request, given.signal));
      if (outcome instanceof Error) failed?.(outcome);
      if (outcome instanceof Error) callback({ code: grpcCode(outcome), details: outcome.message });
      else callback(null, outcome);
    };
    void work();
  };
}

async function settle(answer: Promise<Message>): Promise<Message | Error> {
  try {
    return await answer;
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}

const CODES: Readonly<Record<CsiCode, grpc.status>> = {
  INVALID_ARGUMENT: grpc.status.INVALID_ARGUMENT,
  NOT_FOUND: grpc.status.NOT_FOUND,
  ALREADY_EXISTS: grpc.status.ALREADY_EXISTS,
  RESOURCE_EXHAUSTED: grpc.status.RESOURCE_EXHAUSTED,
  ABORTED: grpc.status.ABORTED,
  INTERNAL: grpc.status.INTERNAL,
  UNKNOWN: grpc.status.UNKNOWN,
  DEADLINE_EXCEEDED: grpc.status.DEADLINE_EXCEEDED,
};

function grpcCode(error: Error): grpc.status {
  return error instanceof CsiError ? CODES[error.code] : grpc.status.UNKNOWN;
}

/** @throws CsiError INVALID_ARGUMENT, as the specification asks. */
function required(request: Message, field: string): string {
  const value = request[field];
  if (typeof value !== 'string' || value === '') throw new CsiError('INVALID_ARGUMENT', `${field} is missing`);
  return value;
}

function readCreateVolume(request: Message): CreateVolumeRequest {
  const capabilities = (request['volume_capabilities'] ?? []) as { access_mode?: { mode?: string } | null }[];
  const capacity = request['capacity_range'] as { required_bytes?: number } | null;
  const requirement = request['accessibility_requirements'] as { requisite: { segments: Segments }[]; preferred: { segments: Segments }[] } | null;
  return {
    name: required(request, 'name'),
    requiredBytes: capacity?.required_bytes ?? 0,
    parameters: (request['parameters'] ?? {}) as Record<string, string>,
    accessModes: capabilities.map((capability) => capability.access_mode?.mode ?? 'UNKNOWN'),
    ...(requirement === null || requirement === undefined
      ? {}
      : { requirement: { requisite: requirement.requisite.map(({ segments }) => segments), preferred: requirement.preferred.map(({ segments }) => segments) } }),
  };
}

function volumeMessage(volume: Volume): Message {
  return {
    volume_id: volume.id,
    capacity_bytes: volume.capacityBytes,
    volume_context: volume.attributes,
    accessible_topology: [{ segments: volume.topology }],
  };
}
