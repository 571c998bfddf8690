// What the server has to know of one kind, beyond what all kinds share.

import type { KubernetesObject, Resource } from '../../../kubernetes/objects.ts';
import type { FieldError } from '../field-errors.ts';
import type { JsonObject } from '../json.ts';
import type { NameForm } from '../metadata.ts';

export interface Kind {
  resource: Resource;
  singular: string;
  shortNames: string[];
  categories?: string[];
  /** Status is written through `/status` only. */
  status: boolean;
  /** `metadata.generation` counts changes of the spec. */
  generation: boolean;
  /** A write without resourceVersion is taken as it is. */
  unconditionalUpdate: boolean;
  /** A PUT of what is not there creates it. */
  createOnUpdate?: boolean;
  /** DELETE answers with the object, not with a Status. */
  returnsDeleted: boolean;
  name: NameForm;
  /** What decoding fills in: before admission, on every write. Must be idempotent. */
  defaults?(object: KubernetesObject): KubernetesObject;
  /** After mutating admission: status and fields that the server owns. `now` in ms. */
  prepareCreate?(object: KubernetesObject, now: number): KubernetesObject;
  /** The status (where it is apart) is the previous one already. */
  prepareUpdate?(next: KubernetesObject, previous: KubernetesObject): KubernetesObject;
  /** Everything but metadata and status is the previous one already. */
  prepareStatus?(next: KubernetesObject, previous: KubernetesObject): KubernetesObject;
  validate?(object: KubernetesObject): FieldError[];
  /** On create only. */
  validateCreate?(object: KubernetesObject): FieldError[];
  /** Beside `validate`, which runs too. */
  validateUpdate?(next: KubernetesObject, previous: KubernetesObject): FieldError[];
  validateStatus?(next: KubernetesObject, previous: KubernetesObject): FieldError[];
  /** Seconds until it goes, when it is deleted gracefully. */
  gracePeriod?(object: KubernetesObject, asked: number | undefined): number;
  /** Field selectors beside metadata.name and metadata.namespace. */
  fields?: Record<string, (object: KubernetesObject) => string>;
  /** `/scale`: where the replicas are. */
  scale?: { replicas: string[]; statusReplicas: string[]; selector: (object: KubernetesObject) => string };
  /** Of a custom kind: null fields and unknown ones are handled by its schema. */
  custom?: boolean;
  /** Of a custom kind: the schema and the columns as its definition has them. */
  definition?: { schema: JsonObject; columns: JsonObject[] };
}

type Given = Pick<Kind, 'resource' | 'singular'> & Partial<Kind>;

/** Most kinds: status apart, generation counted, unconditional updates, deletes answered by a Status. */
export function kind(given: Given): Kind {
  return { shortNames: [], status: true, generation: true, unconditionalUpdate: true, returnsDeleted: false, name: 'subdomain', ...given };
}

/** A kind without a status. */
export function plainKind(given: Given): Kind {
  return kind({ status: false, generation: false, ...given });
}

/** The fields of an object other than metadata, status and its type: whose change counts as a new generation. */
export function content({ metadata: _metadata, status: _status, apiVersion: _version, kind: _kind, ...rest }: KubernetesObject): object {
  return rest;
}
