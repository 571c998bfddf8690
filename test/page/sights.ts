// What a replica may see, made up: for pages that are drawn without a cluster.

import { spreadReports, type SpreadReport, type SpreadReportStatus } from '../../src/controller/spread-report.ts';
import type { Outlook, Role, Sight } from '../../src/controller/outlook.ts';
import { apiVersionOf } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigration, OrdinalMigrationSpec, OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { createObservabilityApp, serve } from '../../src/observability/http.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createStatusPage } from '../../src/page/status-page.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { statefulSet } from '../builders/kubernetes.ts';
import { EVEN, moving, NOW, UNEVEN } from '../cli/command-line-of.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';

export const EMPTY_SIGHT: Sight = { reports: [], records: [], evacuations: [], sets: [], namespaces: [] };

export function report(namespace: string, name: string, status: SpreadReportStatus): SpreadReport {
  return { apiVersion: apiVersionOf(spreadReports), kind: spreadReports.kind, metadata: { namespace, name }, status };
}

export function record(name: string, { namespace = 'db', spec = {}, status }: { namespace?: string; spec?: Partial<OrdinalMigrationSpec>; status?: OrdinalMigrationStatus } = {}): OrdinalMigration {
  return {
    metadata: { namespace, name },
    spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'cn-beijing-i', reason: 'Spread', ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** Ended two minutes before NOW, after four. */
export function endedRecord(name: string, { namespace = 'db', spec = {}, status = {} }: { namespace?: string; spec?: Partial<OrdinalMigrationSpec>; status?: OrdinalMigrationStatus } = {}): OrdinalMigration {
  const history = [
    { step: 'rehearse', startedAt: '2026-11-20T09:54:00.000Z', finishedAt: '2026-11-20T09:54:02.000Z', outcome: 'Done' },
    { step: 'evict', startedAt: '2026-11-20T09:54:02.000Z', finishedAt: '2026-11-20T09:54:09.000Z', outcome: 'Done' },
  ];
  return record(name, { namespace, spec, status: moving({ phase: 'Succeeded', step: 'settle', progress: 100, startedAt: '2026-11-20T09:54:00.000Z', finishedAt: '2026-11-20T09:58:00.000Z', downtimeSeconds: 62, history, ...status }) });
}

/** Four sets in two namespaces: one that moves, one as declared, one that waits, one of which nothing is reported yet. */
export function ordinarySight(): Sight {
  const failed = { phase: 'RolledBack', reason: 'ZoneSoldOut', message: 'cloud_essd PL1 is sold out in zone cn-beijing-i; the ordinal is back on its old disk', downtimeSeconds: 48 } as const;
  return {
    ...EMPTY_SIGHT,
    reports: [
      report('db', 'web', {
        ...UNEVEN,
        retained: [{ pv: 'd-2ze5f1b7hx0q', diskId: 'd-2ze5f1b7hx0q', sizeGiB: 20, until: '2026-11-21T09:58:00.000Z', zone: 'cn-beijing-h', migration: 'web-0-xyzzz' }],
        conditions: [
          { type: 'Satisfied', status: 'False', reason: 'MovesPlanned', message: '1 move planned, 1 ordinal being moved', lastTransitionTime: '2026-11-20T09:50:00.000Z' },
          { type: 'Progressing', status: 'True', reason: 'Moving', message: 'web-2 is being moved to cn-beijing-i', lastTransitionTime: '2026-11-20T09:59:00.000Z' },
        ],
      }),
      report('db', 'cache', EVEN),
      report('shop', 'orders', { ...UNEVEN, state: 'waits for PodDisruptionBudget', inFlight: [], blocked: [{ ordinals: '2,5', reason: 'DisruptionNotAllowed', message: 'PodDisruptionBudget orders allows no disruption: 5 of 5 must be available; it moves when the budget allows one' }] }),
    ],
    records: [record('web-2-bcdfg', { status: moving() }), endedRecord('web-0-xyzzz', { spec: { ordinal: 0 } }), endedRecord('web-1-qrstv', { spec: { ordinal: 1 }, status: { ...failed, finishedAt: '2026-11-20T09:40:00.000Z' } })],
    sets: [statefulSet({ name: 'queue', namespace: 'shop', annotations: { 'zonespread.io/zones': '*' } })],
  };
}

/** Names as no API server takes them, and texts as any does. */
export const HOSTILE = [
  '<script>window.pwned = 1</script>',
  '"><img src=x onerror="window.pwned = 2">',
  "'><svg onload='window.pwned = 3'>",
  '</title></main><h1>pwned</h1>',
  'javascript:window.pwned=4',
  '\u202Edrowssap\u202C',
  '&lt;b&gt;&#x3c;script&#x3e;',
  '{{constructor.constructor("window.pwned=5")()}}',
  'n'.repeat(253),
  'data: x\n\nevent: picture\ndata: {}',
];

/** Whatever can hold text holds text that would be more. */
export function hostileSight(): Sight {
  const zones = HOSTILE.map((zone, at) => ({ zone, desired: at, actual: 1, ordinals: String(at) }));
  const all = HOSTILE.join(' ');
  const moves = HOSTILE.map((text, at) => ({ ordinal: at, from: text, to: HOSTILE[(at + 1) % HOSTILE.length] ?? '', reason: text, message: text }));
  const status: SpreadReportStatus = {
    state: all,
    zones: [...zones, { zone: 'z', desired: 0, actual: 1, ordinals: HOSTILE[1] ?? '' }],
    skew: 1,
    satisfied: false,
    plan: { digest: all, total: moves.length, sizeGiB: 1, estimatedMinutes: 1, measuredMoves: 0, moves },
    approved: { digest: HOSTILE[1] ?? '', moves: [] },
    blocked: HOSTILE.map((text) => ({ ordinals: text, reason: text, message: text })),
    inFlight: [],
    retained: HOSTILE.map((text) => ({ pv: text, diskId: text, sizeGiB: 1, until: text, zone: text })),
    conditions: HOSTILE.map((text) => ({ type: text, status: 'False', reason: text, message: text, lastTransitionTime: text })),
  };
  const claims = [{ ...(moving().claims?.[0] ?? { template: '', claimName: '', sizeGiB: 1, manifest: { labels: {}, annotations: {}, spec: {} }, source: { pv: '', pvUID: '', claimUID: '', diskId: '', zone: '', category: '', reclaimPolicy: '' } }), claimName: all, target: { diskId: all } }];
  const ref = (name: string): Partial<OrdinalMigrationSpec> => ({ statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name }, targetZone: all });
  return {
    ...EMPTY_SIGHT,
    reports: HOSTILE.map((name) => report(name, name, status)),
    records: HOSTILE.flatMap((name) => [
      record(name, { namespace: name, spec: ref(name), status: moving({ phase: 'Frozen', reason: all, message: all, claims }) }),
      endedRecord(`${name}-ended`, { namespace: name, spec: ref(name), status: { phase: 'Failed', reason: all, message: all, finishedAt: all, history: [{ step: all, startedAt: all, outcome: all }] } }),
    ]),
    evacuations: HOSTILE.map((name) => ({ metadata: { name }, spec: { zone: name, reason: name } })),
  };
}

/** A replica that sees what it is told to. */
export class MadeUpOutlook implements Outlook {
  sight: Sight;
  role: Role = 'leading';
  complete = true;
  silence: number | undefined = 1_000;
  readonly #listeners = new Set<() => void>();

  constructor(sight: Sight = EMPTY_SIGHT) {
    this.sight = sight;
  }

  silentMs(): number | undefined {
    return this.silence;
  }

  see(): Sight {
    return this.sight;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(sight: Sight): void {
    this.sight = sight;
    for (const listener of this.#listeners) listener();
  }
}

export interface ServedSight {
  outlook: MadeUpOutlook;
  log: FakeLog;
  url: string;
  close(): Promise<void>;
}

/** The page of a made-up outlook, at a port of its own (or that one), beside metrics and probes as the daemon serves it. */
export async function serveSight(sight: Sight, clock: Clock = new FakeClock(NOW), port = 0): Promise<ServedSight> {
  const outlook = new MadeUpOutlook(sight);
  const log = new FakeLog();
  const page = createStatusPage({ outlook, clock, log });
  const server = await serve(createObservabilityApp({ metrics: createMetrics({ version: '0.1.0', ofProcess: false }), readiness: [], page: page.handler, log }), { host: '127.0.0.1', port });
  return {
    outlook,
    log,
    url: `http://127.0.0.1:${server.port}`,
    close: () => {
      page.end();
      return server.close();
    },
  };
}
