// The shape of the code, held by a test: which folder may import which, where time, chance and the network may enter, and what must never
// be committed.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** Which folders of ours a folder may import. `docs/architecture.md` gives the reasons where this differs from the first design. */
const MAY_IMPORT: Record<string, string[]> = {
  policy: [],
  layout: ['policy', 'ports'],
  planner: ['policy', 'layout', 'ports'],
  ports: [],
  kubernetes: ['ports'],
  alicloud: ['ports'],
  observability: ['ports'],
  migration: ['planner', 'kubernetes', 'ports'],
  admission: ['policy', 'layout', 'migration', 'kubernetes', 'observability', 'ports'],
  controller: ['policy', 'layout', 'planner', 'migration', 'ports', 'kubernetes', 'observability'],
  standing: ['policy', 'planner', 'migration', 'controller', 'alicloud', 'ports'],
  page: ['migration', 'controller', 'standing', 'ports'],
  simulation: ['ports'],
  cli: ['policy', 'layout', 'planner', 'migration', 'ports', 'kubernetes', 'observability', 'controller', 'admission', 'alicloud', 'standing', 'page'],
  embedded: ['migration', 'ports', 'kubernetes', 'observability', 'controller', 'admission', 'alicloud', 'simulation', 'cli', 'page'],
  histories: ['policy', 'layout', 'planner', 'migration', 'ports', 'kubernetes', 'observability', 'controller', 'admission', 'alicloud', 'simulation', 'embedded'],
  demo: ['embedded', 'policy', 'layout', 'planner', 'migration', 'ports', 'kubernetes', 'observability', 'controller', 'admission', 'alicloud', 'simulation', 'cli', 'standing'],
};

/** Words of Kubernetes without any I/O: object shapes, names, quantities, selectors. Whoever speaks of the cluster may import them. */
const VOCABULARY = new Set(['objects.ts', 'names.ts', 'quantity.ts', 'selector.ts', 'reading.ts'].map((file) => `kubernetes/${file}`));

/** The shells that run the pure models against a real API server. */
const SIMULATION_SHELL = /^simulation\/(?:.*\/)?(?:agent|agents|shell|main|dresser|server|grpc-server)[\w-]*\.ts$|^simulation\/nodes\//;

/** Files that are themselves the edge: the system's clock, chance and timers, sockets, processes. Each with its reason. */
const EDGES: Record<string, string> = {
  'ports/clock.ts': 'the system clock',
  'ports/random.ts': "the system's chance",
  'ports/schedule.ts': 'node-cron',
  'admission/server.ts': 'the HTTPS listener of the webhook',
  'admission/body.ts': 'types of a request',
  'admission/certificates.ts': 'keys, serial numbers and the shape of host names (no connection)',
  'kubernetes/transport.ts': 'undici, the one pool of connections to the API server',
  'observability/prometheus.ts': 'undici, to the Prometheus that answers health queries',
  'page/script.ts': 'what runs in the browser, as text',
  'cli/region.ts': 'the metadata service of the machine that it runs on',
  'simulation/controllers/tasks.ts': 'a turn of the event loop between two moments of virtual time (no timer)',
  'simulation/apiserver/listen.ts': "the simulated API server's HTTP listener",
  'simulation/ecs/server.ts': "the simulator's HTTP listener",
  'simulation/ecs/signature.ts': 'types of a request',
};

const FORBIDDEN: [RegExp, string][] = [
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bperformance\.now\b/, 'performance.now'],
  [/\bset(?:Timeout|Interval|Immediate)\(/, 'a timer'],
  [/\bAbortSignal\.timeout\b/, 'AbortSignal.timeout'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\brandom(?:UUID|Bytes|Int|FillSync)\(/, 'node:crypto randomness'],
  [/\bgetRandomValues\b/, 'getRandomValues'],
  [/\bfetch\(/, 'fetch'],
  [/from '(?:node:)?(?:http|https|net|tls|dgram|timers|timers\/promises|undici|child_process)'/, 'a network, timer or process module'],
];

function filesUnder(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesUnder(path) : [path];
    })
    .filter((path) => path.endsWith('.ts'));
}

const files = filesUnder(SRC).map((path) => ({ path, name: relative(SRC, path), text: readFileSync(path, 'utf8') }));

function importsOf(file: { path: string; text: string }): string[] {
  return [...file.text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => relative(SRC, resolve(dirname(file.path), match[1] ?? '')));
}

function mayImport(from: string, to: string): boolean {
  const [fromFolder = '', toFolder = ''] = [from.split('/')[0], to.split('/')[0]];
  if (fromFolder === toFolder || VOCABULARY.has(to)) return true;
  if (SIMULATION_SHELL.test(from) && toFolder === 'kubernetes') return true;
  if (to.startsWith('..')) return ['demo', 'embedded', 'histories'].includes(fromFolder);
  return MAY_IMPORT[fromFolder]?.includes(toFolder) === true;
}

describe('the shape of src/', () => {
  it('has only folders that the architecture knows', () => {
    expect(readdirSync(SRC).toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
  });

  it('imports only in the allowed direction', () => {
    const wrong = files.flatMap((file) => importsOf(file).filter((to) => !mayImport(file.name, to)).map((to) => `${file.name} imports ${to}`));
    expect(wrong).toEqual([]);
  });

  it('lets time, chance and the network in only at the edges', () => {
    const wrong = files
      .filter((file) => !(file.name in EDGES))
      .flatMap((file) => FORBIDDEN.filter(([pattern]) => pattern.test(withoutComments(file.text))).map(([, what]) => `${file.name} uses ${what}`));
    expect(wrong).toEqual([]);
  });

  it('lists no edge that is not one', () => {
    const listed = Object.keys(EDGES);
    expect(listed.filter((name) => !files.some((file) => file.name === name))).toEqual([]);
  });

  it('opens every file with a sentence that says what it is for', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\//.test(file.text)).map((file) => file.name)).toEqual([]);
  });

  it('has no file called utils, helpers, common or manager', () => {
    expect(files.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|manager)\b/.test(file.name)).map((file) => file.name)).toEqual([]);
  });

  it('leaves nothing for later in a comment', () => {
    expect(files.filter((file) => /\b(?:TODO|FIXME|XXX)\b/.test(file.text)).map((file) => file.name)).toEqual([]);
  });
});

describe('what is committed', () => {
  it('names no path of a machine and no registry host', () => {
    const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).split('\n').filter((name) => name !== '' && name !== 'test/tidy.test.ts');
    const wrong = tracked.filter((name) => {
      const path = join(ROOT, name);
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
      return /(?:^|[\s"'`(=])\/(?:root|Users|work)\/|"resolved": "http/m.test(readFileSync(path, 'utf8'));
    });
    expect(wrong).toEqual([]);
  });

  it('runs on Node 24', () => {
    expect(process.version).toMatch(/^v24\./);
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '').replaceAll(/\s\/\/ .*$/gm, '');
}
