// What becomes of Kubernetes' OpenAPI on the way to kubeconform.
import { expect, test } from 'vitest';
import { schemas, type OpenApiSchema } from './schemas.ts';

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';

test('an object has the fields that the document names, and no others, at every depth', () => {
  const schema = { type: 'object', description: 'A disk.', required: ['size'], properties: { size: { $ref: `#/definitions/${QUANTITY}`, description: 'How large.' }, parts: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } } }, labels: { type: 'object', additionalProperties: { type: 'string' } } } };

  expect(definition(schema)).toEqual({
    type: 'object',
    required: ['size'],
    additionalProperties: false,
    properties: {
      size: { $ref: `#/definitions/${QUANTITY}` },
      parts: { type: 'array', items: { type: 'object', additionalProperties: false, properties: { at: { type: 'string', format: 'date-time' } } } },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
    },
  });
});

test('what the document leaves open stays open', () => {
  expect(definition({ type: 'object' })).toEqual({ type: 'object' });
  expect(definition({ type: 'object', properties: { at: { type: 'string' } }, 'x-kubernetes-preserve-unknown-fields': true })).toEqual({ type: 'object', properties: { at: { type: 'string' } } });
});

test('a quantity may be a number', () => {
  expect(definition({ type: 'string' }, QUANTITY)).toMatchObject({ type: ['number', 'string'] });
});

test('a kind has a file under its whole group, the core one under its version; the options of every group have none', () => {
  const of = (...kinds: [group: string, kind: string][]): OpenApiSchema => ({ type: 'object', 'x-kubernetes-group-version-kind': kinds.map(([group, kind]) => ({ group, version: 'v1', kind })) });
  const files = schemas({ Disk: of(['storage.example.com', 'Disk']), Box: of(['', 'Box']), Options: of(['', 'Options'], ['apps', 'Options']) });

  expect([...files.keys()]).toEqual(['_definitions.json', 'storage.example.com/v1/disk.json', 'v1/v1/box.json']);
  expect(files.get('v1/v1/box.json')).toEqual({ allOf: [{ $ref: '../../_definitions.json#/definitions/Box' }, { properties: { kind: { enum: ['Box'] } } }] });
});

test('a keyword that is not known is not passed over', () => {
  const schema = { type: 'object', properties: { size: { type: 'integer', minimum: 1 } } };
  expect(() => definition(schema, 'Disk')).toThrow('The OpenAPI of Kubernetes says minimum about Disk.size, which test/helm/schemas.ts does not know. Say there what it means.');
});

function definition(schema: OpenApiSchema, name = 'Disk'): unknown {
  const { definitions } = schemas({ [name]: schema }).get('_definitions.json') as { definitions: Record<string, object> };
  return definitions[name];
}
