// What a client sends in the body of a write: an object, a patch, the options of a deletion; judged as far as the client asks for that
// (`fieldValidation`).

import { parse, YAMLParseError } from 'yaml';
import type { KubernetesObject } from '../../kubernetes/objects.ts';
import type { HttpRequest } from '../../ports/http.ts';
import type { JsonPatchOperation, Refusal } from './contract.ts';
import { wrong } from './field-errors.ts';
import { isObject, listAt, objectAt, textAt } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { decoderWords, judge, strictWords } from './openapi/field-validation.ts';
import { schemaOf } from './openapi/schemas.ts';
import { APPLY, JSON_PATCH, MERGE, patchTypesOf } from './patch-types.ts';
import { badRequest, invalid, unsupportedMediaType } from './refusals.ts';
import type { Deletion } from './registry.ts';
import type { Asked, Patch } from './requests.ts';

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const NO_RESOURCE = { group: '', version: '', plural: '', kind: '', namespaced: false };
const NO_PROTOBUF = '; this simulated API server reads no protobuf, which `kubectl create <kind>` speaks: use `kubectl create <kind> --dry-run=client -o yaml | kubectl create -f -`';
/** Places where an object of the kind itself is written. */
const OF_THE_KIND = new Set(['', 'status']);

export class SentBody {
  readonly #text: string;
  readonly #type: string;
  readonly #query: URLSearchParams;
  #warning: string | undefined;

  constructor({ body = '', headers = {} }: HttpRequest, query: URLSearchParams) {
    this.#text = body;
    this.#type = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    this.#query = query;
  }

  /** What the client is to be told beside the answer, as a header has it. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** The one write whose manager must be named. */
  get isApply(): boolean {
    return this.#type === APPLY;
  }

  /** @throws Refusal 400 for what cannot be read or has values of another type, and for fields that the kind does not have when the client asks to be strict; 415 */
  object(kind: Kind, { subresource = '' }: Asked): unknown {
    if (![JSON_TYPE, YAML_TYPE, ''].includes(this.#type)) throw unsupportedMediaType([JSON_TYPE, YAML_TYPE], this.#type === PROTOBUF ? NO_PROTOBUF : '');
    const body = this.#type === YAML_TYPE ? this.#yaml() : this.#json();
    if (!OF_THE_KIND.has(subresource)) return body;
    const { kind: name, version } = kind.resource;
    return this.#judged(kind, body, (why) => badRequest(`${name} in version "${version}" cannot be handled as a ${name}: ${why}`));
  }

  /** @throws Refusal 400, 415 for a kind of patch that this kind of object does not take, 422 when the client asks to be strict */
  patch(kind: Kind, asked: Asked): Patch {
    const accepted = patchTypesOf(kind);
    if (!accepted.includes(this.#type)) throw unsupportedMediaType(accepted);
    if (this.isApply) return { type: 'apply', patch: this.#applied(), force: this.#query.get('force') === 'true' };
    const patch = this.#json();
    if (this.#type === JSON_PATCH) return { type: 'json', patch: operationsOf(patch) };
    return { type: this.#type === MERGE ? 'merge' : 'strategic', patch: this.#judgedPatch(kind, asked, patch) };
  }

  deletion(): Deletion & { dryRun: boolean } {
    const options = objectAt({ body: this.#text === '' ? {} : this.#json() }, 'body');
    const value = (name: string): string => textAt(options, name) || (this.#query.get(name) ?? '');
    const [seconds, policy] = [value('gracePeriodSeconds'), value('propagationPolicy')];
    return {
      preconditions: isObject(options.preconditions) ? options.preconditions : undefined,
      gracePeriodSeconds: seconds === '' ? undefined : Number(seconds),
      propagationPolicy: policy === '' ? undefined : policy,
      dryRun: listAt(options, 'dryRun').includes('All'),
    };
  }

  #judgedPatch(kind: Kind, { subresource = '' }: Asked, patch: unknown): unknown {
    if (!OF_THE_KIND.has(subresource)) return patch;
    // It is the request that is wrong, not an object.
    return this.#judged(kind, patch, (why) => invalid(NO_RESOURCE, '', [wrong('patch', JSON.stringify(patch), why)]));
  }

  /** Without what the kind does not have. Of a custom kind its definition sees to types. */
  #judged(kind: Kind, sent: unknown, refusal: (why: string) => Refusal): unknown {
    const { known, unknown, misfits } = judge(schemaOf(kind), sent, kind.resource.kind);
    const [misfit] = kind.custom === true ? [] : misfits;
    if (misfit !== undefined) throw refusal(decoderWords(misfit));
    const validation = this.#query.get('fieldValidation') ?? 'Warn';
    if (unknown.length > 0 && validation === 'Strict') throw refusal(strictWords(unknown));
    if (unknown.length > 0 && validation === 'Warn') this.#warning = unknown.map((field) => `299 - ${JSON.stringify(`unknown field ${JSON.stringify(field)}`)}`).join(', ');
    return known;
  }

  #applied(): KubernetesObject {
    const body = this.#yaml();
    if (!isObject(body)) throw badRequest('error decoding YAML: an object is expected');
    return { ...body, metadata: objectAt(body, 'metadata') } as unknown as KubernetesObject;
  }

  #json(): unknown {
    try {
      return JSON.parse(this.#text) as unknown;
    } catch {
      throw badRequest('the object provided is unrecognized: json parse error'); // What the parser says depends on its version.
    }
  }

  /** JSON is YAML as well. */
  #yaml(): unknown {
    try {
      return parse(this.#text) as unknown;
    } catch (error) {
      if (error instanceof YAMLParseError) throw badRequest(`error decoding YAML: ${error.message}`);
      throw error;
    }
  }
}

function operationsOf(patch: unknown): JsonPatchOperation[] {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  return patch as JsonPatchOperation[];
}
