// The custom resources exist twice, as schemas for the API server and as types for the program. Here they are held together: a value that
// the compiler says is complete must use every property of the schema and no other.

import { Ajv, type AnySchema } from 'ajv';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { spreadReports, type SpreadReport } from '../../src/controller/spread-report.ts';
import { zoneEvacuations, type ZoneEvacuation } from '../../src/controller/zone-evacuation.ts';
import type { Resource } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type Course, type MoveReason, type OnUnready, type OrdinalMigration, type Phase } from '../../src/migration/record.ts';

/** No property left out, at any depth; free-form objects (labels, a claim's spec) stay as they are. */
type Whole<T> = T extends (infer Item)[] ? Whole<Item>[] : T extends object ? (string extends keyof T ? T : { [Key in keyof T]-?: Whole<T[Key]> }) : T;

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  enum?: string[];
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  pattern?: string;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
  [keyword: string]: unknown;
}

interface Definition {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: { kind: string; plural: string; shortNames: string[] };
    versions: { name: string; served: boolean; storage: boolean; subresources: object; additionalPrinterColumns: { name: string; jsonPath: string; type: string }[]; schema: { openAPIV3Schema: Schema } }[];
  };
}

const CLAIM_SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } }, volumeMode: 'Filesystem', storageClassName: 'essd', somethingNew: { kept: true } };
const TAGS = { 'zonespread.io/migration': 'uid-1' };
const CONDITION = { type: 'Complete', status: 'True' as const, reason: 'Moved', message: 'moved', lastTransitionTime: '2026-11-20T10:00:00.000Z', observedGeneration: 3 };
const NOW = '2026-11-20T10:00:00.000Z';
const SNAPSHOT_PARAMS = { diskId: 'd-1', name: 'n', description: 'd', tags: TAGS };
const DISK_PARAMS = {
  snapshotId: 's-1',
  zone: 'b',
  name: 'n',
  description: 'd',
  tags: TAGS,
  category: 'cloud_essd',
  performanceLevel: 'PL1',
  sizeGiB: 20,
  encrypted: true,
  kmsKeyId: 'k',
  resourceGroupId: 'r',
  burstingEnabled: false,
  provisionedIops: 100,
};

const migration: Pick<Whole<OrdinalMigration>, 'spec' | 'status'> = {
  spec: {
    statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-set' },
    ordinal: 2,
    targetZone: 'cn-beijing-j',
    reason: 'Spread',
    planDigest: 'abc',
    strategy: 'rolling',
    readyTimeout: '10m',
    healthDuration: '1h30m',
    onUnready: 'hold',
    snapshotRetention: 'forever',
    sourceRetention: '7d',
    reverses: 'web-2-bcdfg',
  },
  status: {
    formatVersion: 1,
    phase: 'Running',
    course: 'Forward',
    step: 'a step of tomorrow',
    reason: 'Waiting',
    message: 'waiting',
    epoch: 7,
    attempt: 2,
    resumeAt: 'evict',
    statefulSetUID: 'uid-set',
    podUID: 'uid-pod',
    evictedAt: NOW,
    releasedPodUID: 'uid-pod-2',
    reservation: { pod: 'zonespread-1', podUID: 'uid-placeholder', nodeName: 'node-2', skipped: 'no' },
    nodeName: 'node-1',
    startedAt: NOW,
    stepStartedAt: NOW,
    finishedAt: NOW,
    unavailableSince: NOW,
    readySince: NOW,
    awaitingReadySince: NOW,
    progressAt: NOW,
    downtimeSeconds: 12.5,
    progress: 40,
    history: [{ step: 'rehearse', startedAt: NOW, finishedAt: NOW, outcome: 'Done' }],
    conditions: [CONDITION],
    terms: { readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'reverse', snapshotRetentionMs: 'forever', sourceRetentionMs: 86_400_000 },
    claims: [
      {
        template: 'data',
        claimName: 'data-web-2',
        sizeGiB: 20,
        manifest: { labels: { app: 'web' }, annotations: { note: 'x' }, spec: CLAIM_SPEC },
        source: { pv: 'd-1', pvUID: 'uid-pv', claimUID: 'uid-claim', diskId: 'd-1', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete', attachedAt: '2026-11-20T10:00Z', detachedAt: '2026-11-20T10:01Z', retiringAt: NOW, retiredAt: 'released' },
        snapshot: { id: 's-1', progress: 100, token: 't', params: SNAPSHOT_PARAMS, requestedAt: NOW, retiredAt: NOW },
        target: { pv: 'd-2', pvUID: 'uid-pv2', diskId: 'd-2', zone: 'b', token: 't', params: DISK_PARAMS, requestedAt: NOW, discardingAt: NOW, retiringAt: NOW, retiredAt: NOW },
        rescue: { id: 's-2', progress: 40, token: 't', params: SNAPSHOT_PARAMS, requestedAt: NOW, attachedAt: '2026-11-20T10:00Z', detachedAt: '2026-11-20T10:01Z', retiredAt: NOW },
        discardedSnapshots: ['s-0'],
      },
    ],
  },
};

const report: Pick<Whole<SpreadReport>, 'status'> = {
  status: {
    observedGeneration: 4,
    summary: 'cn-beijing-h:2 cn-beijing-i:2',
    state: 'moving web-2 to cn-beijing-i, snapshot',
    zones: [{ zone: 'cn-beijing-h', desired: 2, actual: 2, ordinals: '0-1' }],
    skew: 0,
    satisfied: true,
    plan: { digest: 'abc', total: 1, sizeGiB: 20, estimatedMinutes: 1.5, highMinutes: 2, measuredMoves: 12, moves: [{ ordinal: 5, from: 'a', to: 'b', reason: 'Spread', message: 'm', sizeGiB: 20, estimatedMinutes: 2, highMinutes: 3, estimatedDowntimeSeconds: 90, highDowntimeSeconds: 120 }] },
    approved: { digest: 'abc', moves: [{ ordinal: 5, from: 'a', to: 'b', state: 'Planned' }] },
    zonesSeen: [{ zone: 'a', readySince: NOW, enteredAt: NOW }],
    blocked: [{ ordinals: '0-3,7', reason: 'BudgetExhausted', message: 'm' }],
    blockedOrdinals: 5,
    inFlight: [{ migration: 'web-2-bcdfg', ordinal: 2, from: 'a', to: 'b', phase: 'Running', step: 'detach', progress: 30 }],
    retained: [{ pv: 'd-1', diskId: 'd-1', sizeGiB: 20, until: 'forever', zone: 'a', migration: 'web-2-bcdfg' }],
    conditions: [CONDITION],
  },
};

const evacuation: Pick<Whole<ZoneEvacuation>, 'spec' | 'status'> = {
  spec: { zone: 'cn-beijing-h', reason: 'it closes' },
  status: { observedGeneration: 1, disksLeft: 3, disksMoved: 2, disksBlocked: 1, blocked: [{ namespace: 'shop', statefulSet: 'web', ordinals: '0', reason: 'Paused', message: 'm' }], conditions: [CONDITION] },
};

const KINDS: { file: string; resource: Resource; complete: object; columns: string[]; shortNames: string[] }[] = [
  { file: 'ordinalmigrations.yaml', resource: ordinalMigrations, complete: migration, columns: ['Set', 'Ordinal', 'From', 'To', 'Phase', 'Step', 'Progress', 'Age'], shortNames: ['om'] },
  { file: 'spreadreports.yaml', resource: spreadReports, complete: report, columns: ['Zones', 'Skew', 'Satisfied', 'Moves', 'Blocked', 'State', 'Age'], shortNames: ['sr'] },
  { file: 'zoneevacuations.yaml', resource: zoneEvacuations, complete: evacuation, columns: ['Zone', 'Left', 'Moved', 'Blocked', 'Age'], shortNames: ['ze'] },
];

function definition(file: string): Definition {
  return parse(readFileSync(new URL(`../../charts/zonespread/crds/${file}`, import.meta.url), 'utf8')) as Definition;
}

function schemaOf(file: string): Schema {
  return definition(file).spec.versions[0]!.schema.openAPIV3Schema;
}

/** As the API server takes it, but a property that it would prune is an error. */
function strict(schema: Schema): AnySchema {
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    ...(schema.type === undefined ? {} : { type: schema.type }),
    ...(schema['x-kubernetes-int-or-string'] === true ? { anyOf: [{ type: 'integer' }, { type: 'string' }] } : {}),
    ...Object.fromEntries(['enum', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'maxItems', 'required'].filter((key) => key in schema).map((key) => [key, schema[key]])),
    ...(schema.properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, strict(property)])) }),
    ...(schema.properties === undefined || free ? {} : { additionalProperties: false }),
    ...(typeof schema.additionalProperties === 'object' ? { additionalProperties: strict(schema.additionalProperties) } : {}),
    ...(schema.items === undefined ? {} : { items: strict(schema.items) }),
  };
}

function errorsOf(file: string, value: object): string[] {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(strict(schemaOf(file)));
  void validate({ apiVersion: 'zonespread.io/v1alpha1', kind: 'Any', metadata: {}, ...value });
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`);
}

/** Paths of the schema that the value has nothing at. */
function unused(schema: Schema, value: unknown, path: string): string[] {
  if (value === undefined) return [path];
  if (schema.items !== undefined) return unused(schema.items, (value as unknown[])[0], `${path}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => unused(property, (value as Record<string, unknown>)[name], `${path}.${name}`));
}

function everySchema(schema: Schema, path: string): { path: string; schema: Schema }[] {
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => everySchema(property, `${path}.${name}`));
  return [{ path, schema }, ...children, ...(schema.items === undefined ? [] : everySchema(schema.items, `${path}[]`))];
}

describe.each(KINDS)('$file', ({ file, resource, complete, columns, shortNames }) => {
  test('accepts a value with every field of the type', () => {
    expect(errorsOf(file, complete)).toEqual([]);
  });

  test('has no field that the type does not have', () => {
    const { properties = {} } = schemaOf(file);
    const own = Object.entries(properties).filter(([name]) => name === 'spec' || name === 'status');
    expect(own.flatMap(([name, schema]) => unused(schema, (complete as Record<string, unknown>)[name], name))).toEqual([]);
  });

  test('is reached as the program reaches it', () => {
    const { metadata, spec } = definition(file);
    expect(metadata.name).toBe(`${resource.plural}.${resource.group}`);
    expect(spec).toMatchObject({ group: resource.group, scope: resource.namespaced ? 'Namespaced' : 'Cluster', names: { kind: resource.kind, plural: resource.plural, shortNames } });
    expect(spec.versions).toHaveLength(1);
    expect(spec.versions[0]).toMatchObject({ name: resource.version, served: true, storage: true, subresources: { status: {} } });
  });

  test('prints the columns that people expect', () => {
    const shown = definition(file).spec.versions[0]!.additionalPrinterColumns;
    expect(shown.map(({ name }) => name)).toEqual(columns);
    // A comma that is not quoted makes a field of what follows it, which only the real server refuses.
    expect(shown.flatMap((column) => Object.keys(column).filter((key) => !['name', 'type', 'jsonPath', 'description', 'format', 'priority'].includes(key)))).toEqual([]);
  });

  test('takes every printed column from a field that exists', () => {
    const { spec } = definition(file);
    const paths = spec.versions[0]!.additionalPrinterColumns.map(({ jsonPath }) => jsonPath).filter((path) => !path.startsWith('.metadata'));
    const known = new Set(everySchema(schemaOf(file), '').map(({ path }) => path));
    expect(paths.filter((path) => !known.has(path.replaceAll(/\[\d+\]/g, '[]')))).toEqual([]);
  });

  test('describes every field', () => {
    const silent = everySchema(schemaOf(file), '').filter(({ path, schema }) => schema.description === undefined && !path.endsWith('metadata') && !path.endsWith('[]'));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('keeps conditions as a map by type, so that each is written by itself', () => {
    expect(schemaOf(file).properties?.status?.properties?.conditions).toMatchObject({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
  });
});

describe('the schema of OrdinalMigration', () => {
  const file = 'ordinalmigrations.yaml';
  const field = (path: string): Schema => everySchema(schemaOf(file), '').find((entry) => entry.path === path)!.schema;

  test('takes a record that a person writes by hand, with nothing but the set, the ordinal and the zone', () => {
    expect(errorsOf(file, { spec: { statefulSetRef: { name: 'web' }, ordinal: 0, targetZone: 'b' } })).toEqual([]);
  });

  test('asks for no more than the type does', () => {
    const sparse: Pick<OrdinalMigration, 'status'> = {
      status: {
        history: [{ step: 'evict', startedAt: NOW }],
        conditions: [{ type: 'Frozen', status: 'False' }],
        terms: { readyTimeoutMs: 1, healthDurationMs: 1, onUnready: 'hold', snapshotRetentionMs: 1 },
        claims: [
          {
            template: 'data',
            claimName: 'data-web-0',
            sizeGiB: 20,
            manifest: { labels: {}, annotations: {}, spec: {} },
            source: { pv: 'p', pvUID: 'u', claimUID: 'u', diskId: 'd', zone: 'a', category: 'c', reclaimPolicy: 'Retain' },
            snapshot: {},
            target: {},
            rescue: {},
          },
        ],
      },
    };
    expect(errorsOf(file, { ...sparse, spec: migration.spec })).toEqual([]);
  });

  test.each(['10', '1.5h', 'forever', '-1m', '10 m', ''])('refuses "%s" as a duration', (readyTimeout) => {
    expect(errorsOf(file, { spec: { ...migration.spec, readyTimeout } })).not.toEqual([]);
  });

  test.each(['0s', '24h', '1h30m', '7d', 'forever'])('takes "%s" as a retention', (sourceRetention) => {
    expect(errorsOf(file, { spec: { ...migration.spec, sourceRetention } })).toEqual([]);
  });

  test('names the values that the types name', () => {
    const phases: Record<Phase, true> = { Pending: true, Running: true, RollingBack: true, Succeeded: true, RolledBack: true, Failed: true, Frozen: true };
    const courses: Record<Course, true> = { Forward: true, Undo: true, Restore: true };
    const reasons: Record<MoveReason, true> = { Spread: true, Evacuate: true, Pin: true, Manual: true, Reverse: true };
    const answers: Record<OnUnready, true> = { hold: true, reverse: true, 'restore-source': true };
    expect(field('.status.phase').enum).toEqual(Object.keys(phases));
    expect(field('.status.course').enum).toEqual(Object.keys(courses));
    expect(field('.spec.reason').enum).toEqual(Object.keys(reasons));
    expect(field('.spec.onUnready').enum).toEqual(Object.keys(answers));
    expect(field('.status.terms.onUnready').enum).toEqual(Object.keys(answers));
  });

  test('leaves the step open, for a daemon of tomorrow', () => {
    expect(field('.status.step').enum).toBeUndefined();
  });

  test('keeps whole what must come back whole', () => {
    const whole = everySchema(schemaOf(file), '').filter(({ schema }) => schema['x-kubernetes-preserve-unknown-fields'] === true);
    expect(whole.map(({ path }) => path)).toEqual([
      '.status.claims[].manifest.spec',
      '.status.claims[].snapshot.params',
      '.status.claims[].target.params',
      '.status.claims[].rescue.params',
    ]);
  });

  test('keeps the last 64 steps', () => {
    expect(field('.status.history').maxItems).toBe(64);
  });
});

test.each(['ordinalmigrations.yaml', 'zoneevacuations.yaml'])('%s: spec cannot be changed', (file) => {
  expect(schemaOf(file).properties?.spec?.['x-kubernetes-validations']?.map(({ rule }) => rule)).toEqual(['self == oldSelf']);
  expect(schemaOf(file).required).toContain('spec');
});
