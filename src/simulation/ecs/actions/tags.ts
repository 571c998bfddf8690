// TagResources and UntagResources of disks and snapshots.

import type { DiskRecord, SnapshotRecord } from '../records.ts';
import { invalidParameter, missingParameter, Refusal } from '../refusals.ts';
import type { EcsState } from '../state.ts';
import { type Action, type ActionCall, checkRegion, checkTagCount, tagRecord } from './action.ts';

export const tagResources: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call);
  const resources = readResources(call);
  const tags = tagRecord(parameters.tags());
  parameters.finish();
  if (Object.keys(tags).length === 0) throw missingParameter('Tag.1.Key');
  const next = resources.map((resource) => ({ resource, tags: { ...resource.tags, ...tags } }));
  for (const change of next) checkTagCount(state, change.tags);
  for (const change of next) setTags(call, change.resource, change.tags);
  return {};
};

export const untagResources: Action = (call) => {
  const { parameters } = call;
  checkRegion(call);
  const resources = readResources(call);
  const keys = parameters.list('TagKey') ?? [];
  const all = parameters.flag('All') ?? false;
  parameters.finish();
  if (keys.length === 0 && !all) throw missingParameter('TagKey.1');
  const gone = (key: string): boolean => (keys.length > 0 ? keys.includes(key) : all);
  for (const resource of resources) setTags(call, resource, Object.fromEntries(Object.entries(resource.tags).filter(([key]) => !gone(key))));
  return {};
};

function readResources({ state, parameters }: ActionCall): (DiskRecord | SnapshotRecord)[] {
  const type = parameters.required('ResourceType').toLowerCase();
  const ids = parameters.list('ResourceId');
  if (ids === undefined || ids.length === 0) throw missingParameter('ResourceId.1');
  if (ids.length > 50) throw invalidParameter('ResourceId', 'at most 50 ids');
  if (type !== 'disk' && type !== 'snapshot') throw new Refusal(400, 'InvalidResourceType.NotFound', `The simulation tags disks and snapshots, not ${type}.`);
  return ids.map((id) => taggable(state, type, id));
}

function taggable(state: EcsState, type: 'disk' | 'snapshot', id: string): DiskRecord | SnapshotRecord {
  const found = type === 'disk' ? state.disks.get(id) : state.snapshots.get(id);
  if (found === undefined) throw new Refusal(404, 'InvalidResourceId.NotFound', `The specified ResourceId ${id} is not found in our records.`);
  return found;
}

function setTags({ state, suffering }: ActionCall, target: DiskRecord | SnapshotRecord, tags: Record<string, string>): void {
  state.setTags(target, tags, suffering.tagLagMs ?? state.timings.tagVisibilityLagMs);
  state.record({ subject: 'sourceDiskId' in target ? 'snapshot' : 'disk', id: target.id, event: 'tagged', details: { tags } });
}
