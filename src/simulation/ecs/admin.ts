// The back door of the simulated cloud: what a test or a person in another process does to it. JSON in, JSON out.
//
//   GET    /admin/state                 everything there is, and what was deleted
//   GET    /admin/history?since=N       entries after number N
//   GET    /admin/contents/<disk>       its writes, oldest first
//   POST   /admin/guest-writes          { instanceId, diskId, writer, text? }
//   POST   /admin/instances             { id, zone }          DELETE /admin/instances/<id>
//   PUT    /admin/zones/<id>            { onSale: [{ category, performanceLevels? }] }
//   POST   /admin/disks                 { zone, … }           a disk that was there before
//   POST   /admin/automatic-snapshots   { diskId }
//   PUT    /admin/locks/<disk>          { locks: [] }
//   GET    /admin/faults                POST /admin/faults    a fault, see faults.ts   DELETE /admin/faults[/<id>]
//   POST   /admin/unstick               { id? }

import { z } from 'zod';
import { faultSchema, type FaultInput } from './faults.ts';
import type { EcsModel } from './model.ts';
import { SimulationError } from './refusals.ts';
import type { DiskSeed } from './seeds.ts';

export interface AdminRequest {
  method: string;
  /** Path below /admin/, split at slashes. */
  path: string[];
  query: URLSearchParams;
  /** Parsed JSON; undefined when there was none. */
  body: unknown;
}

export interface AdminAnswer {
  status: number;
  body: unknown;
}

const guestWrite = z.strictObject({ instanceId: z.string(), diskId: z.string(), writer: z.string(), text: z.string().optional() });
const instance = z.strictObject({ id: z.string(), zone: z.string() });
const onSale = z.strictObject({ onSale: z.array(z.strictObject({ category: z.string(), performanceLevels: z.array(z.string()).optional() })) });
const seed = z.strictObject({
  zone: z.string(),
  id: z.string().optional(),
  category: z.string().optional(),
  performanceLevel: z.string().optional(),
  sizeGiB: z.int().optional(),
  encrypted: z.boolean().optional(),
  kmsKeyId: z.string().optional(),
  resourceGroupId: z.string().optional(),
  chargeType: z.enum(['PostPaid', 'PrePaid']).optional(),
  portable: z.boolean().optional(),
  multiAttach: z.boolean().optional(),
  locks: z.array(z.string()).optional(),
  backupPolicyIds: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  attachedAt: z.int().optional(),
  detachedAt: z.int().optional(),
});
const ofDisk = z.strictObject({ diskId: z.string() });
const locks = z.strictObject({ locks: z.array(z.string()) });
const unstick = z.strictObject({ id: z.string().optional() }).optional();

type Route = (model: EcsModel, request: AdminRequest) => unknown;

const ROUTES: Record<string, Route> = {
  'GET state': (model) => state(model),
  'GET history': (model, { query }) => model.history().filter((entry) => entry.sequence > Number(query.get('since') ?? 0)),
  'GET contents': (model, { path }) => model.contents(path[1] ?? ''),
  'POST guest-writes': (model, { body }) => {
    const write = guestWrite.parse(body);
    return model.guestWrite(write.instanceId, write.diskId, write.writer, write.text);
  },
  'POST instances': (model, { body }) => model.addInstance(instance.parse(body)),
  'DELETE instances': (model, { path }) => model.removeInstance(path[1] ?? ''),
  'PUT zones': (model, { path, body }) => model.setOnSale(path[1] ?? '', withoutUndefined(onSale.parse(body).onSale)),
  'POST disks': (model, { body }) => ({ id: model.addDisk(seed.parse(body) as DiskSeed) }),
  'POST automatic-snapshots': (model, { body }) => ({ id: model.takeAutomaticSnapshot(ofDisk.parse(body).diskId) }),
  'PUT locks': (model, { path, body }) => model.setLocks(path[1] ?? '', locks.parse(body).locks),
  'GET faults': (model) => model.faults.list(),
  'POST faults': (model, { body }) => ({ id: model.faults.add(faultSchema.parse(body) as FaultInput) }),
  'DELETE faults': (model, { path }) => (path[1] === undefined ? model.faults.clear() : model.faults.remove(path[1])),
  'POST unstick': (model, { body }) => model.unstick(unstick.parse(body)?.id),
};

/** Never throws: a wrong request is 400 with the reason, an impossible one 409, an unknown path 404. */
export function administer(model: EcsModel, request: AdminRequest): AdminAnswer {
  const route = ROUTES[`${request.method} ${request.path[0] ?? ''}`];
  if (route === undefined) return { status: 404, body: { error: `no such path; there are: ${Object.keys(ROUTES).join(', ')}` } };
  try {
    return { status: 200, body: route(model, request) ?? {} };
  } catch (error) {
    if (error instanceof SimulationError) return { status: 409, body: { error: error.message } };
    if (error instanceof z.ZodError) return { status: 400, body: { error: z.prettifyError(error) } };
    throw error;
  }
}

function state(model: EcsModel): unknown {
  return {
    region: model.region,
    zones: model.zones(),
    instances: model.instances(),
    disks: model.disks(),
    snapshots: model.snapshots(),
    deleted: { disks: model.disks({ deleted: true }), snapshots: model.snapshots({ deleted: true }) },
    faults: model.faults.list(),
  };
}

function withoutUndefined(items: { category: string; performanceLevels?: string[] | undefined }[]): { category: string; performanceLevels?: string[] }[] {
  return items.map(({ category, performanceLevels }) => (performanceLevels === undefined ? { category } : { category, performanceLevels }));
}
