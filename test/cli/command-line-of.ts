// The command line on an API server in memory: what a person types, what is said to them, and the exit code.

import { createProgram, runProgram } from '../../src/cli/program.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';
import { spreadReports, type SpreadReport, type SpreadReportStatus } from '../../src/controller/spread-report.ts';
import { zoneEvacuations } from '../../src/controller/zone-evacuation.ts';
import type { Resource } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration, type OrdinalMigrationSpec, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import type { EcsCall } from '../../src/ports/ecs-call.ts';
import { NAMESPACE, statefulSet } from '../builders/kubernetes.ts';
import { FakeApi } from '../fakes/api.ts';
import { ApiHttp } from '../fakes/api-http.ts';
import { FakeClock } from '../fakes/clock.ts';
import { SeededRandom } from '../fakes/random.ts';

export const NOW = '2026-11-20T10:00:00.000Z';

export interface Said {
  code: number;
  out: string;
  error: string;
}

/** A terminal of so many columns; undefined: a pipe. */
export interface Person {
  columns?: number;
  rows?: number;
  environment?: Record<string, string>;
  /** What they answer when they are asked; undefined: nobody is there. */
  answers?: string;
  files?: Record<string, string>;
}

export class Desk {
  readonly clock = new FakeClock(NOW);
  readonly api = new FakeApi({ clock: this.clock });
  readonly http: ApiHttp;
  readonly interrupt = new AbortController();
  cloud: EcsCall = { call: () => Promise.reject(new Error('there is no cloud')) };
  /** Of the kubeconfig. */
  contexts: string[] = [];
  /** What was said so far, of the verb that runs. */
  out = '';
  error = '';

  /** @param more kinds that the server has besides */
  constructor({ installed = true, more = [] }: { installed?: boolean; more?: Resource[] } = {}) {
    const kinds: Resource[] = installed ? [ordinalMigrations, spreadReports, zoneEvacuations] : [];
    this.http = new ApiHttp(this.api, [...kinds, ...more]);
    if (installed) this.api.groupVersions.set('zonespread.io/v1alpha1', kinds.map(({ plural }) => plural));
  }

  /** `status web --watch` as one would type it. */
  async type(line: string, person: Person = {}): Promise<Said> {
    this.out = '';
    this.error = '';
    const around = this.surroundings(person);
    const code = await runProgram(createProgram(around), line.split(' ').filter((word) => word !== ''), around);
    return { code, out: this.out, error: this.error };
  }

  surroundings({ columns, rows = 40, environment = {}, answers, files = {} }: Person = {}): Surroundings {
    return {
      calledAs: 'zonespread',
      out: { write: (text) => (this.out += text), ...(columns === undefined ? {} : { isTTY: true, columns, rows }) },
      error: { write: (text) => (this.error += text) },
      environment,
      clock: this.clock,
      random: new SeededRandom(3),
      connect: () => ({ http: this.http, server: 'https://cluster:6443', namespace: NAMESPACE, close: () => Promise.resolve() }),
      contexts: () => this.contexts,
      readText: (path) => (files[path] === undefined ? Promise.reject(new Error('no such file')) : Promise.resolve(files[path])),
      ask: answers === undefined ? undefined : (question) => {
        this.out += `${question}${answers}\n`;
        return Promise.resolve(answers);
      },
      interrupted: () => this.interrupt.signal,
      ecs: () => this.cloud,
    };
  }

  report(name: string, status: SpreadReportStatus, namespace = NAMESPACE): SpreadReport {
    return this.api.put(spreadReports, { metadata: { namespace, name, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: statefulSet({ name }).metadata.uid ?? '' }] }, status });
  }

  record(name: string, { spec = {}, status, namespace = NAMESPACE, annotations }: { spec?: Partial<OrdinalMigrationSpec>; status?: OrdinalMigrationStatus; namespace?: string; annotations?: Record<string, string> } = {}): OrdinalMigration {
    return this.api.put(ordinalMigrations, {
      metadata: { namespace, name, ...(annotations === undefined ? {} : { annotations }) },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'cn-beijing-i', reason: 'Spread', ...spec },
      ...(status === undefined ? {} : { status }),
    });
  }
}

const CLAIM = {
  template: 'data',
  claimName: 'data-web-2',
  sizeGiB: 20,
  manifest: { labels: {}, annotations: {}, spec: {} },
  source: { pv: 'pv-old', pvUID: 'u', claimUID: 'u', diskId: 'd-old', zone: 'cn-beijing-h', category: 'cloud_essd', reclaimPolicy: 'Delete' },
};

const TERMS = { readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000 } as const;

/** Of a move that began a minute ago and is making its disk. */
export function moving(changes: OrdinalMigrationStatus = {}): OrdinalMigrationStatus {
  return { formatVersion: 1, phase: 'Running', course: 'Forward', step: 'createDisk', progress: 50, startedAt: '2026-11-20T09:59:00.000Z', stepStartedAt: '2026-11-20T09:59:40.000Z', unavailableSince: '2026-11-20T09:59:30.000Z', terms: TERMS, claims: [structuredClone(CLAIM)], ...changes };
}

/** Six ordinals of which two are to go; the first of them is on its way. */
export const UNEVEN: SpreadReportStatus = {
  summary: 'cn-beijing-h:4 cn-beijing-i:2 cn-beijing-j:0',
  state: 'moving web-2 to cn-beijing-i, createDisk',
  zones: [
    { zone: 'cn-beijing-h', desired: 2, actual: 4, ordinals: '0-2,5' },
    { zone: 'cn-beijing-i', desired: 2, actual: 1, ordinals: '3' },
    { zone: 'cn-beijing-j', desired: 2, actual: 1, ordinals: '4' },
  ],
  skew: 3,
  satisfied: false,
  plan: {
    digest: '3f2a9c81aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    total: 1,
    sizeGiB: 20,
    estimatedMinutes: 3,
    highMinutes: 5,
    measuredMoves: 4,
    moves: [{ ordinal: 5, from: 'cn-beijing-h', to: 'cn-beijing-j', reason: 'Spread', message: 'web-5 goes to zone cn-beijing-j, which has 1 of the set\'s ordinals while zone cn-beijing-h has 4; zonespread.io/max-skew is 1.', sizeGiB: 20, estimatedMinutes: 3, highMinutes: 5, estimatedDowntimeSeconds: 90 }],
  },
  blocked: [{ ordinals: '5', reason: 'TooManyUnavailable', message: 'web-2 is not Ready, and zonespread.io/max-unavailable is 1; the next ordinal waits' }],
  inFlight: [{ migration: 'web-2-bcdfg', ordinal: 2, from: 'cn-beijing-h', to: 'cn-beijing-i', phase: 'Running', step: 'createDisk', progress: 50 }],
  retained: [],
  conditions: [{ type: 'Satisfied', status: 'False', reason: 'MovesPlanned', message: '1 move planned, 1 ordinal being moved' }],
};

export const EVEN: SpreadReportStatus = {
  summary: 'cn-beijing-h:1 cn-beijing-i:1',
  state: 'as declared',
  zones: [
    { zone: 'cn-beijing-h', desired: 1, actual: 1, ordinals: '0' },
    { zone: 'cn-beijing-i', desired: 1, actual: 1, ordinals: '1' },
  ],
  skew: 0,
  satisfied: true,
  plan: { digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', total: 0, sizeGiB: 0, estimatedMinutes: 0, moves: [] },
  blocked: [],
};

/** Without colours, and without the blanks at the ends of lines that nobody sees. */
export function seen(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '').replaceAll(/[ \t]+$/gm, '');
}

/** A block of a test as the terminal shows it: without the indentation, and the first and the last line end. */
export function screenful(strings: TemplateStringsArray): string {
  const lines = (strings.raw[0] ?? '').split('\n').slice(1, -1);
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return `${lines.map((line) => line.slice(indent)).join('\n')}\n`;
}
