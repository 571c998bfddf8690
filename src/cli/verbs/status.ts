// `zonespread status`: where the disks of every set are and where they are to go, what moves, what waits and for what; with `--watch` as
// it changes.

import type { Command } from 'commander';
import { spreadReports, type SpreadReportStatus } from '../../controller/spread-report.ts';
import { statefulSets } from '../../kubernetes/objects.ts';
import { ordinalMigrations, phaseOf, podNameOf, statusOf } from '../../migration/record.ts';
import { timestamp } from '../../ports/clock.ts';
import { wrongUsage } from '../exit.ts';
import { Following } from '../following.ts';
import { setNameFrom } from '../names.ts';
import { blockLines, planInShort } from '../rendering/plan-lines.ts';
import { indented } from '../rendering/table.ts';
import { count, several, span } from '../../standing/amounts.ts';
import { EMPTY, line, piece, widthOf, wrap, type Line } from '../rendering/text.ts';
import { moveBlock } from '../rendering/under-way.ts';
import { overview, silenceOf, zoneRows } from '../rendering/zone-map.ts';
import { addExamples, addReadFlags, withCluster, type ClusterFlags, type Session } from '../session.ts';
import { leftMsOf, measuredBy, type Measured } from '../../standing/moves.ts';
import { costWords } from '../../standing/plans.ts';
import { standingsOf, toneOf, type Seen, type SetStanding } from '../../standing/sets.ts';
import { readSeen, requireAll } from '../standing.ts';
import type { Surroundings } from '../surroundings.ts';

interface StatusFlags extends ClusterFlags {
  watch?: boolean;
}

export function addStatusVerb(program: Command, around: Surroundings): void {
  const command = addReadFlags(program.command('status').argument('[sets...]', 'StatefulSets; without any all that have a policy or a move'))
    .description('show which ordinals have their disks in which zone, what moves, and what waits')
    .option('-w, --watch', 'go on showing it as it changes; Ctrl-C ends it')
    .action((sets: string[], flags: StatusFlags) => withCluster(around, flags, (session) => status(session, sets.map(setNameFrom), flags)));
  addExamples(command, around.calledAs, [
    ['status', "the zone map of every set of the context's namespace"],
    ['status -A --watch', 'of the whole cluster, live, with progress and the time that is left'],
    ['status web -n shop', 'one set in full: zones, moves, plan, what waits and why'],
    ['status -A -o json', 'for a program'],
  ]);
}

async function status(session: Session, names: readonly string[], { watch = false, output = 'table' }: StatusFlags): Promise<void> {
  const seen = await readSeen(session);
  requireAll(standingsOf(seen, names), names, placeOf(session));
  if (watch) return watchStatus(session, names, output);
  const standings = standingsOf(seen, names);
  session.show.answer(statusLines(standings, { session, seen, full: names.length > 0 }), { sets: standings.map(documentOf) });
}

function placeOf({ scope }: Session): string {
  return scope === undefined ? 'any namespace' : `namespace ${scope}`;
}

function documentOf({ namespace, name, report, underWay }: SetStanding): object {
  return { namespace, name, ...report?.status, migrations: underWay.map((record) => ({ name: record.metadata.name, ...record.spec, ...pickStatus(statusOf(record)) })) };
}

/** Without manifests and tokens, which are the daemon's own business. */
function pickStatus({ phase, step, reason, message, progress, startedAt, downtimeSeconds }: ReturnType<typeof statusOf>): object {
  return { phase: phase ?? 'Pending', step, reason, message, progress, startedAt, downtimeSeconds };
}

interface Picture {
  session: Session;
  seen: Seen;
  /** Each set in full, however many. */
  full: boolean;
}

/** One set alone is shown in full. */
export function statusLines(standings: readonly SetStanding[], picture: Picture): Line[] {
  const { session, full } = picture;
  if (standings.length === 0) return nothing(session);
  if (!full && standings.length > 1) return [...overview(standings, session.scope === undefined, session.show.columns), ...allUnderWay(standings, picture)];
  return standings.flatMap((standing, at) => [...(at === 0 ? [] : [EMPTY]), ...inFull(standing, picture)]);
}

function nothing(session: Session): Line[] {
  const where = session.scope === undefined ? 'in any namespace' : `in namespace ${session.scope} (-A: in all)`;
  return wrap(`No StatefulSet ${where} has the annotation zonespread.io/zones. To have one kept: kubectl annotate statefulset <name> zonespread.io/zones=<zone>,<zone>`, session.show.columns).map((row) => line(row));
}

function allUnderWay(standings: readonly SetStanding[], { session, seen }: Picture): Line[] {
  const blocks = standings.flatMap(({ namespace, underWay }) =>
    underWay.map((record) => moveBlock(record, measured(session, seen), { columns: session.show.columns, ...(session.scope === undefined ? { name: `${namespace}/${podNameOf(record)}` } : {}) })),
  );
  return blocks.flatMap((block) => [EMPTY, ...block]);
}

function measured({ around }: Session, { records }: Seen): Measured {
  return measuredBy(records, around.clock.now());
}

function inFull(standing: SetStanding, picture: Picture): Line[] {
  const { name, report, underWay } = standing;
  const { columns } = picture.session.show;
  const reported = report?.status;
  const zones = reported?.zones === undefined ? [] : section([], zoneRows(reported, columns - 2));
  const blocks = underWay.flatMap((record, at) => [...(at === 0 ? [] : [EMPTY]), ...moveBlock(record, measured(picture.session, picture.seen), { columns: columns - 2 })]);
  return [...headingLines(standing, picture), ...zones, ...(blocks.length === 0 ? [] : section(line(piece('UNDER WAY', 'faint')), blocks)), ...(reported === undefined ? [] : reportSections(name, reported, picture))];
}

/** In two lines where the terminal is too narrow for one. */
function headingLines(standing: SetStanding, picture: Picture): Line[] {
  const reported = standing.report?.status;
  const name = piece(`${standing.namespace}/${standing.name}`, 'strong');
  const state = reported === undefined ? silenceOf(standing) : piece(reported.state ?? '', toneOf(reported));
  const numbers = [...(reported?.skew === undefined ? [] : [`skew ${reported.skew}`]), ...timeLeft(standing, picture)].join('   ');
  const whole = line(name, '   ', state, ...(numbers === '' ? [] : [`   ${numbers}`]));
  return widthOf(whole) <= picture.session.show.columns ? [whole] : [line(name, ...(numbers === '' ? [] : [`   ${numbers}`])), ...wrap(state.text, picture.session.show.columns).map((row) => line(piece(row, state.style)))];
}

function reportSections(name: string, { plan, blocked = [], retained = [] }: SpreadReportStatus, { session }: Picture): Line[] {
  const columns = session.show.columns - 2;
  const sizeGiB = retained.reduce((sum, disk) => sum + disk.sizeGiB, 0);
  return [
    ...(plan === undefined || plan.total === 0 ? [] : section(line(piece('PLAN', 'faint'), `   ${costWords(plan)}`), planInShort(name, plan, columns))),
    ...(blocked.length === 0 ? [] : section(line(piece('WAITS', 'faint')), blockLines(name, blocked, columns))),
    ...(retained.length === 0 ? [] : [EMPTY, line('  ', piece('KEPT', 'faint'), `   ${several(retained.length, 'old disk')}, ${count(sizeGiB)} GiB: ${session.around.calledAs} retained`)]),
  ];
}

function section(title: Line, lines: readonly Line[]): Line[] {
  return [EMPTY, ...indented([...(title.length === 0 ? [] : [title]), ...lines], 2)];
}

/** Of what is under way and what is planned, one after the other. */
function timeLeft({ underWay, report }: SetStanding, { session, seen }: Picture): string[] {
  const lefts = underWay.map((record) => leftMsOf(record, measured(session, seen)) ?? 0);
  const plannedMs = (report?.status?.plan?.estimatedMinutes ?? 0) * 60_000;
  const totalMs = Math.max(0, ...lefts) + plannedMs;
  return underWay.length === 0 || totalMs === 0 ? [] : [`about ${span(totalMs)} to go`];
}

async function watchStatus(session: Session, names: readonly string[], output: string): Promise<void> {
  if (output !== 'table') throw wrongUsage('--watch and -o json|yaml do not go together; kubectl get spreadreports,ordinalmigrations --watch -o json gives every change as a document');
  const signal = session.around.interrupted();
  const following = new Following(session, signal);
  const within = { namespace: session.scope };
  const [reports, records, sets] = [following.watch(spreadReports, within), following.watch(ordinalMigrations, within), following.watch(statefulSets, within)];
  try {
    await following.start();
    const told = new Map<string, string>();
    const { screen } = session.show;
    for (;;) {
      const seen = { reports: reports.list(), records: records.list(), sets: sets.list() };
      const standings = standingsOf(seen, names);
      const picture = { session, seen, full: names.length > 0 };
      if (!screen.live) tellChanges(standings, session, told);
      // The last picture stays.
      if (signal.aborted) return screen.live ? screen.say(...statusLines(standings, picture)) : undefined;
      draw(standings, picture, following.trouble);
      await following.next();
    }
  } finally {
    await following.stop();
  }
}

function draw(standings: readonly SetStanding[], picture: Picture, trouble: string | undefined): void {
  picture.session.show.screen.show(({ rows }) => {
    const lines = statusLines(standings, picture);
    const all = trouble === undefined ? lines : [line(piece(trouble, 'bad')), EMPTY, ...lines];
    return all.length <= rows ? all : [...all.slice(0, rows - 1), line(piece(`… ${all.length - rows + 1} more lines; name a set, or make the window higher`, 'faint'))];
  });
}

/** Where nothing is redrawn: a line for each set that is first seen, and for each change of one. */
function tellChanges(standings: readonly SetStanding[], { show, around }: Session, told: Map<string, string>): void {
  for (const standing of standings) {
    const key = `${standing.namespace}/${standing.name}`;
    const words = changeWords(standing);
    if (told.get(key) !== words) show.tell(`${timestamp(around.clock)}   ${key}   ${words}`);
    told.set(key, words);
  }
}

function changeWords(standing: SetStanding): string {
  const { report, underWay } = standing;
  const moves = underWay.map((record) => `${podNameOf(record)} ${phaseOf(record)} ${statusOf(record).step ?? ''} ${statusOf(record).progress ?? 0} %`.replaceAll(/ {2,}/g, ' '));
  return [report === undefined ? silenceOf(standing).text : (report.status?.summary ?? report.status?.state ?? ''), ...(moves.length > 0 ? moves : report?.status?.state === undefined ? [] : [report.status.state])].join('   ');
}
