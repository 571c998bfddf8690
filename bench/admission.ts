// How fast reviews are answered: `npm run bench:admission`. Our server, with none and with 10,000 migrations in flight, beside a bare
// node:https echo and an express echo that parses the same body: real reviews of a pod's create and a StatefulSet's update (6 KB), over
// TLS with connections that are kept. All take turns, round after round, on whatever the machine has left; each is measured by its ratio to
// the bare echo of the same round, and the median of the rounds is given. The load comes from a program in Go (bench/admission/load).

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { renewed } from '../src/admission/certificates.ts';
import { buildOnce } from '../test/controlplane/go-build.ts';
import { print } from './measure.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 9);
const CLOSED = ['-connections=16', '-duration=1200ms'];
const OPEN = ['-connections=16', '-rate=500', '-duration=1500ms'];
const REVIEWS = ['birth--create-pod--statefulset-controller.json', 'other-set--update-statefulset--jane.json'];
const REVIEWS_FOLDER = new URL('../test/admission/corpus/reviews/', import.meta.url);
/** What the load generator writes over. */
const UID = '00000000-0000-4000-8000-000000000000';

interface Contestant {
  title: string;
  kind: string;
  /** What its answers must contain. */
  expect: string;
}

const CONTESTANTS: readonly Contestant[] = [
  { title: 'bare node:https echo', kind: 'bare', expect: '"AdmissionReview"' },
  { title: 'express 5 echo', kind: 'express', expect: '"AdmissionReview"' },
  { title: 'ours, nothing in flight', kind: 'ours:0', expect: '"allowed":true' },
  { title: 'ours, 10,000 in flight', kind: 'ours:10000', expect: '"allowed":true' },
  { title: 'ours, every review read whole', kind: 'whole', expect: '"allowed":true' },
];

interface Figures {
  requests: number;
  perSecond: number;
  p50Micros: number;
  p99Micros: number;
  /** Processor time of the contestant for a request: other work on the machine does not show in it. */
  cpuMicros: number;
}

const folder = await mkdtemp(join(tmpdir(), 'zonespread-bench-'));
const processes: ChildProcess[] = [];
try {
  const [load = ''] = await buildOnce([{ folder: new URL('admission/load', import.meta.url).pathname, binary: 'load', target: '.' }], { purpose: 'The load generator of the bench', cache: 'bench' });
  await prepare();
  const running: { contestant: Contestant; port: number; pid: number }[] = [];
  for (const contestant of CONTESTANTS) running.push({ contestant, ...(await start(contestant)) });
  const measure = async ({ contestant, port, pid }: (typeof running)[number], mode: readonly string[]): Promise<Figures> => {
    const before = await cpuMicrosOf(pid);
    const bodies = REVIEWS.map((_review, index) => join(folder, `${index}.json`)).join(',');
    const { stdout } = await promisify(execFile)(load, [`-address=127.0.0.1:${port}`, `-ca=${join(folder, 'ca.crt')}`, `-bodies=${bodies}`, `-expect=${contestant.expect}`, ...mode]);
    const figures = JSON.parse(stdout) as Omit<Figures, 'cpuMicros'>;
    return { ...figures, cpuMicros: ((await cpuMicrosOf(pid)) - before) / figures.requests };
  };
  for (const contestant of running) await measure(contestant, CLOSED);
  const [closed, open] = [CONTESTANTS.map((): Figures[] => []), CONTESTANTS.map((): Figures[] => [])];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, contestant] of running.entries()) closed[index]!.push(await measure(contestant, CLOSED));
    for (const [index, contestant] of running.entries()) open[index]!.push(await measure(contestant, OPEN));
  }
  report(closed, open);
} finally {
  for (const child of processes) child.stdin?.end();
  await rm(folder, { recursive: true });
}

async function prepare(): Promise<void> {
  const made = await renewed(undefined, ['127.0.0.1'], Date.now());
  await Promise.all([writeFile(join(folder, 'ca.crt'), made.bundle), writeFile(join(folder, 'tls.crt'), made.certificate), writeFile(join(folder, 'tls.key'), made.key)]);
  for (const [index, name] of REVIEWS.entries()) {
    const text = await readFile(new URL(name, REVIEWS_FOLDER), 'utf8');
    const { request } = JSON.parse(text) as { request: { uid: string } };
    await writeFile(join(folder, `${index}.json`), text.replace(request.uid, UID));
  }
}

async function start({ kind }: Contestant): Promise<{ port: number; pid: number }> {
  const child = spawn(process.execPath, [new URL('admission/contestant.ts', import.meta.url).pathname, kind, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  const lines = createInterface({ input: child.stdout });
  const gone = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${kind} does not start (exit code ${String(code)})`)));
  const [port] = (await Promise.race([once(lines, 'line'), gone])) as [string];
  // From here on it ends when it is told to.
  gone.catch(() => undefined);
  return { port: Number(port), pid: child.pid ?? 0 };
}

/** Linux counts it in hundredths of a second. NaN elsewhere. */
async function cpuMicrosOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * 10_000;
}

function report(closed: readonly Figures[][], open: readonly Figures[][]): void {
  print([`medians of ${ROUNDS} rounds`, 'requests/s', 'of bare', 'cpu/request', 'bare/own', 'p50 at 500/s', 'of bare', 'p99 at 500/s']);
  for (const [index, { title }] of CONTESTANTS.entries()) {
    const [own, at500] = [closed[index]!, open[index]!];
    print([
      `  ${title}`,
      median(own.map(({ perSecond }) => perSecond)).toFixed(0),
      ratio(own, closed[0]!, 'perSecond'),
      `${median(own.map(({ cpuMicros }) => cpuMicros)).toFixed(0)} us`,
      ratio(closed[0]!, own, 'cpuMicros'),
      micros(median(at500.map(({ p50Micros }) => p50Micros))),
      ratio(at500, open[0]!, 'p50Micros'),
      micros(median(at500.map(({ p99Micros }) => p99Micros))),
    ]);
  }
  print(['10,000 in flight beside none', '', ratio(closed[3]!, closed[2]!, 'perSecond'), '', ratio(closed[2]!, closed[3]!, 'cpuMicros'), '', ratio(open[3]!, open[2]!, 'p50Micros')]);
}

/** Median over the rounds of one contestant's figure to the other's of the same round. */
function ratio(own: readonly Figures[], other: readonly Figures[], field: 'perSecond' | 'p50Micros' | 'cpuMicros'): string {
  return median(own.map((figures, round) => figures[field] / other[round]![field])).toFixed(2);
}

function micros(time: number): string {
  return `${(time / 1000).toFixed(2)} ms`;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
