// Claims: a spec that is fixed but for the volume's name (once), the request of a bound claim (up) and its attributes class.

import { claims as resource, type KubernetesObject } from '../../../kubernetes/objects.ts';
import { parseQuantity } from '../../../kubernetes/quantity.ts';
import { forbids, IMMUTABLE, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { at, equal, listAt, textAt, withField, type JsonObject } from '../json.ts';
import { kind } from './kind.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];

export const claimKind = kind({
  resource,
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  generation: false,
  returnsDeleted: true,
  defaults: (claim) => ({ ...claim, spec: { volumeMode: 'Filesystem', ...(claim.spec as JsonObject) } }),
  prepareCreate: (claim) => ({ ...claim, status: { phase: 'Pending' } }),
  validate: (claim) => validateClaimSpec(claim.spec, 'spec'),
  validateUpdate,
});

export function validateClaimSpec(spec: unknown, field: string): FieldError[] {
  const modes = listAt(spec, 'accessModes');
  const errors: FieldError[] = modes.length === 0 ? [required(`${field}.accessModes`, 'at least 1 access mode is required')] : [];
  for (const mode of modes) if (!ACCESS_MODES.includes(String(mode))) errors.push(unsupported(`${field}.accessModes`, mode, ACCESS_MODES));
  const volumeMode = textAt(spec, 'volumeMode');
  const request = textAt(spec, 'resources', 'requests', 'storage');
  if (request === '') errors.push(required(`${field}.resources[storage]`));
  else if (quantity(request) <= 0n) errors.push(wrong(`${field}.resources[storage]`, request, 'must be greater than zero'));
  if (volumeMode !== '' && !VOLUME_MODES.includes(volumeMode)) errors.push(unsupported(`${field}.volumeMode`, volumeMode, VOLUME_MODES));
  return errors;
}

function validateUpdate(next: KubernetesObject, previous: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const [spec, old] = [next.spec as JsonObject, previous.spec as JsonObject];
  let [comparable, base] = [spec, old];
  if (textAt(old, 'volumeName') === '') base = withField(base, ['volumeName'], comparable.volumeName);
  // A claim from before there was a default class may get one.
  if (old.storageClassName === undefined && typeof spec.storageClassName === 'string') base = withField(base, ['storageClassName'], spec.storageClassName);
  if (textAt(previous, 'status', 'phase') === 'Bound') {
    comparable = withField(comparable, ['resources', 'requests', 'storage'], at(old, 'resources', 'requests', 'storage'));
    comparable = withField(comparable, ['volumeAttributesClassName'], old.volumeAttributesClassName);
  }
  if (!equal(comparable, base)) errors.push(forbids('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n'));
  const size = (of: unknown, ...path: string[]): bigint => quantity(textAt(of, ...path, 'storage') || '0');
  const asked = size(spec, 'resources', 'requests');
  if (asked < size(old, 'resources', 'requests') && asked <= size(previous, 'status', 'capacity')) {
    errors.push(forbids('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  if (!equal(spec.volumeMode, old.volumeMode)) errors.push(wrong('volumeMode', spec.volumeMode, IMMUTABLE));
  return errors;
}

/** A text that is no quantity is smaller than any: it is refused before it counts. */
function quantity(text: string): bigint {
  try {
    return parseQuantity(text);
  } catch {
    return -1n;
  }
}
