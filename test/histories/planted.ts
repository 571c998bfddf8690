// Bugs as one could make them, each planted at a step of the saga or at a port of the daemon while a history is played. None of them is in
// the product: they are here to see whether the histories would find them.

import { claims, pods, volumes } from '../../src/kubernetes/objects.ts';
import { collectionPath } from '../../src/kubernetes/paths.ts';
import { snapshotIntent } from '../../src/migration/intents.ts';
import { claimsOf, ordinalMigrations, UNDO_STEPS, type StepName } from '../../src/migration/record.ts';
import { claimAt, DONE, forEachClaim, namespaceOf, saveClaim, type Step, type StepContext } from '../../src/migration/step.ts';
import { steps } from '../../src/migration/steps/index.ts';
import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../../src/ports/ecs-call.ts';
import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';
import type { PlayOptions } from '../../src/histories/play.ts';

export interface PlantedBug {
  name: string;
  /** Plants it. @returns how the daemon's ports are while it is there, and what takes it out. */
  plant(): { ports?: NonNullable<PlayOptions['plant']>; remove?: () => void };
}

// ── where bugs are planted ──

function atStep(name: StepName, change: (step: Step) => Partial<Step>): { remove: () => void } {
  const sound = steps[name];
  steps[name] = { ...sound, ...change(sound) };
  return {
    remove: () => {
      steps[name] = sound;
    },
  };
}

/** Runs the sound step first, and then the bug, once the step is through. */
function afterwards(step: Step, bug: (context: StepContext) => Promise<void>): Partial<Step> {
  return {
    async run(context) {
      const result = await step.run(context);
      if (result.kind === 'done') await bug(context);
      return result;
    },
  };
}

type Body = Record<string, unknown>;

/** Changes what the daemon sends; undefined: as it is. */
function sending(change: (request: HttpRequest, body: Body) => Partial<HttpRequest> | undefined): { ports: { http: (http: Http) => Http } } {
  return { ports: { http: (http) => ({ send: (request) => http.send({ ...request, ...change(request, bodyOf(request)) }) }) } };
}

/** Changes what the daemon is told. */
function answering(change: (request: HttpRequest, body: Body) => Body | undefined): { ports: { http: (http: Http) => Http } } {
  return {
    ports: {
      http: (http) => ({
        async send(request) {
          const response = await http.send(request);
          if (/[?&]watch=1/.test(request.path) || response.status >= 300) return response;
          return withBody(response, (body) => change(request, body));
        },
      }),
    },
  };
}

function calling(change: (action: EcsAction, parameters: EcsParameters, call: EcsCall['call']) => Promise<EcsAnswer>): { ports: { cloud: (cloud: EcsCall) => EcsCall } } {
  return { ports: { cloud: (cloud) => ({ call: (action, parameters) => change(action, parameters, (...asked) => cloud.call(...asked)) }) } };
}

function bodyOf({ body }: HttpRequest): Body {
  return body === undefined ? {} : (JSON.parse(body) as Body);
}

async function withBody(response: HttpResponse, change: (body: Body) => Body | undefined): Promise<HttpResponse> {
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const changed = change(JSON.parse(text) as Body);
  return { ...response, body: once(changed === undefined ? text : JSON.stringify(changed)) };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield new TextEncoder().encode(text);
}

const isOf = (request: HttpRequest, resource: Parameters<typeof collectionPath>[0]): boolean => new RegExp(`/${resource.plural}(?:/[^/?]+)?(?:\\?|$)`).test(request.path);
const isStatusOf = (request: HttpRequest, resource: Parameters<typeof collectionPath>[0]): boolean => new RegExp(`/${resource.plural}/[^/?]+/status(?:\\?|$)`).test(request.path);

function specOf(body: Body): Body {
  return (body['spec'] ?? {}) as Body;
}

function metadataOf(body: Body): Body {
  return (body['metadata'] ?? {}) as Body;
}

// ── the bugs ──

export const PLANTED: readonly PlantedBug[] = [
  {
    name: 'the Retain flip is skipped, and believed to have been made',
    plant: () => atStep('keepSource', () => ({ run: () => Promise.resolve(DONE) })),
  },
  {
    name: 'the snapshot is taken before the pod has gone',
    plant: () =>
      atStep('keepSource', (step) =>
        afterwards(step, async (context) => {
          await forEachClaim(context, async (claim, index) => {
            if (claim.snapshot !== undefined) return DONE;
            const intent = snapshotIntent(context, claim, { diskId: claim.source.diskId, role: 'source' });
            await saveClaim(context, index, { snapshot: intent });
            const made = await context.disks.createSnapshot(intent);
            if (made.kind === 'created') await saveClaim(context, index, { snapshot: { ...intent, id: made.id } });
            return DONE;
          });
        }),
      ),
  },
  {
    name: 'the detach is not awaited',
    plant: () => {
      const early = atStep('detach', () => ({ run: () => Promise.resolve(DONE) }));
      return { ...early, ...calling(showDisksFree) };
    },
  },
  {
    name: 'nobody looks whether the old disk was touched since its snapshot',
    plant: () => calling(alwaysTheFirstStamps()),
  },
  {
    name: 'the undo gives the old volume its policy back before anything else',
    plant: () => {
      const order = UNDO_STEPS as unknown as StepName[];
      const sound = [...order];
      order.splice(0, order.length, 'keepSource', 'ungate', 'swapClaim', 'evict', 'createVolume', 'createDisk', 'snapshot');
      return { remove: () => order.splice(0, order.length, ...sound) };
    },
  },
  {
    name: 'claims are deleted without UID and version',
    plant: () => sending((request, body) => (request.method === 'DELETE' && isOf(request, claims) ? { body: JSON.stringify({ ...body, preconditions: undefined }) } : undefined)),
  },
  {
    name: 'the client token is minted anew for every call',
    plant: () => {
      let minted = 0;
      return calling((action, parameters, call) => call(action, 'ClientToken' in parameters ? { ...parameters, ClientToken: `minted-${(minted += 1)}` } : parameters));
    },
  },
  {
    name: 'the gate comes off before the claim is bound to its new disk',
    plant: () => {
      const swap = atStep('swapClaim', (step) => ({
        async run(context) {
          await dropGate(context);
          return step.run(context);
        },
      }));
      return swap;
    },
  },
  {
    name: 'a read is answered from a cache that is a minute old',
    plant: () => ({ ports: { http: (http) => staleReads(http) } }),
  },
  {
    name: 'a snapshot of the same name is adopted',
    plant: () =>
      calling(async (action, parameters, call) => {
        if (action !== 'CreateSnapshot') return call(action, parameters);
        const { Snapshots } = (await call('DescribeSnapshots', { RegionId: parameters['RegionId'], SnapshotName: parameters['SnapshotName'], DiskId: parameters['DiskId'] })) as { Snapshots?: { Snapshot?: { SnapshotId: string }[] } };
        const known = Snapshots?.Snapshot?.[0]?.SnapshotId;
        return known === undefined ? call(action, parameters) : { RequestId: 'adopted', SnapshotId: known };
      }),
  },
  {
    name: 'the intent to snapshot is recorded only after the call',
    plant: () =>
      atStep('snapshot', (step) => ({
        run: (context) => step.run(forgetful(context)),
      })),
  },
  {
    name: 'a record is written without the version that was read',
    plant: () =>
      sending((request, body) => {
        if (request.method !== 'PATCH' || !isStatusOf(request, ordinalMigrations)) return undefined;
        const { resourceVersion: _dropped, ...metadata } = metadataOf(body);
        return { body: JSON.stringify({ ...body, metadata }) };
      }),
  },
  {
    name: 'the pod is deleted by force instead of evicted',
    plant: () =>
      sending((request) => {
        const [path, pod] = /^(.*)\/eviction(?:\?.*)?$/.exec(request.path) ?? [];
        return path === undefined || pod === undefined ? undefined : { method: 'DELETE', path: pod, body: JSON.stringify({ gracePeriodSeconds: 0 }) };
      }),
  },
  {
    name: 'what a move left behind goes at once, whatever was declared',
    plant: () => atStep('settle', (step) => afterwards(step, async (context) => {
      await context.save({ terms: { ...(context.record.status?.terms ?? { readyTimeoutMs: 0, healthDurationMs: 0, onUnready: 'hold', snapshotRetentionMs: 0 }), snapshotRetentionMs: 0, sourceRetentionMs: 0 } });
    })),
  },
  {
    name: 'moves in flight are not counted',
    plant: () => answering((request, body) => (request.method === 'GET' && /\/ordinalmigrations\?/.test(request.path) && Array.isArray(body['items']) ? { ...body, items: [] } : undefined)),
  },
  {
    name: 'a move succeeds before its pod is Ready',
    plant: () => atStep('ready', () => ({ run: () => Promise.resolve(DONE) })),
  },
  {
    name: 'the undo leaves the old volume Retain and labelled',
    plant: () => atStep('keepSource', () => ({ undo: () => Promise.resolve(DONE) })),
  },
  {
    name: 'the undo forgets the new disk',
    plant: () => atStep('createDisk', () => ({ undo: () => Promise.resolve(DONE) })),
  },
  {
    name: 'the new disk gets a second volume object',
    plant: () =>
      atStep('createVolume', (step) =>
        afterwards(step, async (context) => {
          for (const index of claimsOf(context.record).keys()) await secondVolume(context, index);
        }),
      ),
  },
  {
    name: 'the new disk is made blank',
    plant: () => calling((action, { SnapshotId, ...parameters }, call) => call(action, action === 'CreateDisk' ? parameters : { ...parameters, ...(SnapshotId === undefined ? {} : { SnapshotId }) })),
  },
  {
    name: 'the placeholder is left behind',
    plant: () => sending((request, body) => (request.method === 'DELETE' && /\/pods\/zonespread-[^/?]+(?:\?|$)/.test(request.path) ? { body: JSON.stringify({ ...body, dryRun: ['All'] }) } : undefined)),
  },
  {
    name: 'labels are left on the claim and its volume when all is done',
    plant: () =>
      sending((request, body) => {
        const removes = JSON.stringify(metadataOf(body)['labels'] ?? {}).includes('null');
        return request.method === 'PATCH' && removes && isOf(request, claims) ? { body: JSON.stringify({ ...body, metadata: { ...metadataOf(body), labels: {} } }) } : undefined;
      }),
  },
  {
    name: 'the old volume is handed over with the policy Delete',
    plant: () =>
      sending((request, body) =>
        request.method === 'PATCH' && isOf(request, volumes) && specOf(body)['persistentVolumeReclaimPolicy'] === 'Retain' ? { body: JSON.stringify({ ...body, spec: {} }) } : undefined,
      ),
  },
];

// ── what the bugs are made of ──

/** As if nothing were attached any more. */
async function showDisksFree(action: EcsAction, parameters: EcsParameters, call: EcsCall['call']): Promise<EcsAnswer> {
  const answer = await call(action, parameters);
  if (action !== 'DescribeDisks') return answer;
  return changedDisks(answer, (disk) => ({ ...disk, Status: disk['Status'] === 'Creating' ? 'Creating' : 'Available', InstanceId: '', Attachments: { Attachment: [] } }));
}

function alwaysTheFirstStamps(): Parameters<typeof calling>[0] {
  const first = new Map<unknown, { AttachedTime: unknown; DetachedTime: unknown }>();
  return async (action, parameters, call) => {
    const answer = await call(action, parameters);
    if (action !== 'DescribeDisks') return answer;
    return changedDisks(answer, (disk) => {
      const { AttachedTime, DetachedTime } = disk;
      if (disk['Status'] === 'Available' && !first.has(disk['DiskId'])) first.set(disk['DiskId'], { AttachedTime, DetachedTime });
      return { ...disk, ...first.get(disk['DiskId']) };
    });
  };
}

function changedDisks(answer: EcsAnswer, change: (disk: Body) => Body): EcsAnswer {
  const { Disks } = answer as { Disks?: { Disk?: Body[] } };
  return { ...answer, Disks: { ...Disks, Disk: (Disks?.Disk ?? []).map(change) } };
}

async function dropGate(context: StepContext): Promise<void> {
  const name = `${context.record.spec.statefulSetRef.name}-${context.record.spec.ordinal}`;
  const pod = await context.api.get(pods, { namespace: namespaceOf(context), name });
  if ((pod?.spec.schedulingGates ?? []).length > 0) await context.api.mergePatch(pods, { namespace: namespaceOf(context), name }, { spec: { schedulingGates: null } });
}

/** Single reads of claims, volumes and pods, as the daemon itself has seen them first. */
function staleReads(http: Http): Http {
  const seen = new Map<string, { text: string; status: number; headers: Record<string, string>; left: number }>();
  return {
    async send(request) {
      if (request.method !== 'GET' || ![claims, volumes, pods].some((resource) => isOf(request, resource)) || !/\/[^/?]+-[^/?]+$/.test(request.path)) return http.send(request);
      const known = seen.get(request.path);
      if (known !== undefined && known.left > 0) {
        known.left -= 1;
        return { status: known.status, headers: known.headers, body: once(known.text) };
      }
      const response = await http.send(request);
      const pieces: Uint8Array[] = [];
      for await (const piece of response.body) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      seen.set(request.path, { text, status: response.status, headers: response.headers, left: 20 });
      return { ...response, body: once(text) };
    },
  };
}

/** Keeps in memory what should be in the record before the call. */
function forgetful(context: StepContext): StepContext {
  const proxy: StepContext = {
    ...context,
    async save(patch) {
      const intentsOnly = (patch.claims ?? []).some(({ snapshot }) => snapshot?.token !== undefined && snapshot.id === undefined);
      if (!intentsOnly) {
        await context.save(patch);
        proxy.record = context.record;
        return;
      }
      proxy.record = { ...proxy.record, status: { ...proxy.record.status, ...(patch as typeof proxy.record.status) } };
    },
  };
  return proxy;
}

async function secondVolume(context: StepContext, index: number): Promise<void> {
  const { target } = claimAt(context, index);
  const volume = target?.pv === undefined ? undefined : await context.api.get(volumes, { name: target.pv });
  if (volume === undefined) return;
  const { claimRef: _bound, ...spec } = volume.spec;
  const name = `${volume.metadata.name}-again`;
  if ((await context.api.get(volumes, { name })) === undefined) await context.api.create(volumes, { metadata: { name }, spec: { ...spec, storageClassName: 'nobody' } });
}

