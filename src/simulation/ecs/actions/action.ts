// What an action of the simulated API gets and gives.

import type { EcsAnswer, EcsParameters } from '../../../ports/ecs-call.ts';
import type { Suffering } from '../faults.ts';
import type { ParameterReader } from '../parameters.ts';
import { missingParameter, Refusal } from '../refusals.ts';
import type { EcsState } from '../state.ts';

export interface ActionCall {
  state: EcsState;
  parameters: ParameterReader;
  /** As they came: what a client token stands for. */
  raw: EcsParameters;
  suffering: Suffering;
}

/** Has its whole effect or none. @throws Refusal. */
export type Action = (call: ActionCall) => EcsAnswer;

/** @throws Refusal when the region is missing (where it is mandatory) or another one. */
export function checkRegion(call: ActionCall, name = 'RegionId', mandatory = true): void {
  const region = call.parameters.text(name);
  if (region === undefined && !mandatory) return;
  if (region === undefined || region === '') throw missingParameter(name);
  if (region !== call.state.region) throw new Refusal(404, 'InvalidRegionId.NotFound', `The specified RegionId ${region} does not exist.`);
}

/** Seconds, as the real API prints times; empty for never. */
export function apiTime(at: number | undefined): string {
  return at === undefined ? '' : `${new Date(at).toISOString().slice(0, 19)}Z`;
}

export function apiTags(tags: Record<string, string>): { Tag: { TagKey: string; TagValue: string }[] } {
  return { Tag: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })) };
}

/** A name or description as the API takes it. @throws Refusal with the code of the parameter. */
export function checkedText(name: string, value: string | undefined, rule: { code: string; max: number }): string {
  if (value === undefined || value === '') return '';
  if (value.length < 2 || value.length > rule.max || /^https?:\/\//.test(value)) {
    throw new Refusal(400, rule.code, `The specified ${name} "${value}" is not valid: 2 to ${rule.max} characters, not starting with http:// or https://.`);
  }
  return value;
}

/** Names start with a letter and hold letters, digits, `:`, `_`, `.` and `-`. */
export function checkedName(name: string, value: string | undefined, code: string): string {
  const text = checkedText(name, value, { code, max: 128 });
  if (text !== '' && !/^\p{L}[\p{L}\p{N}:_.-]*$/u.test(text)) {
    throw new Refusal(400, code, `The specified ${name} "${text}" is not valid: it starts with a letter and holds letters, digits, ":", "_", "." and "-".`);
  }
  return text;
}

/** @throws Refusal when they are more than fit on one resource. */
export function checkTagCount(state: EcsState, tags: Record<string, string>): void {
  const count = Object.keys(tags).length;
  if (count > state.quotas.tagsPerResource) {
    throw new Refusal(400, 'NumberExceed.Tags', `The maximum number of tags is exceeded: ${count} of at most ${state.quotas.tagsPerResource}.`);
  }
}

/** A missing value is an empty one when a tag is set. */
export function tagRecord(tags: Map<string, string | undefined>): Record<string, string> {
  return Object.fromEntries([...tags].map(([key, value]) => [key, value ?? '']));
}
