// `zonespread plan`: what would move, why, and what it costs: as the daemon reports it, or computed here from files, without a cluster.

import { Option, type Command } from 'commander';
import { spreadReports, type ReportedPlan, type SpreadReport } from '../../controller/spread-report.ts';
import type { StatefulSet } from '../../kubernetes/objects.ts';
import { nameOf } from '../../kubernetes/reading.ts';
import { keyOf } from '../../policy/annotations.ts';
import { failed, wrongUsage } from '../exit.ts';
import { planFromFiles, type FilePlan } from '../files/plan-from-files.ts';
import { findSet, setNameFrom } from '../names.ts';
import { costWords } from '../../standing/plans.ts';
import { blockLines, digestLines, planLines } from '../rendering/plan-lines.ts';
import { indented } from '../rendering/table.ts';
import { EMPTY, line, piece, wrap, type Line } from '../rendering/text.ts';
import { zoneRows } from '../rendering/zone-map.ts';
import { addExamples, addReadFlags, createShow, withCluster, type ClusterFlags, type Session, type Show } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';

interface PlanFlags extends ClusterFlags {
  filename?: string[];
  nodes?: string[];
  disks?: string;
}

const collect = (path: string, before: string[] = []): string[] => [...before, path];

export function addPlanVerb(program: Command, around: Surroundings): void {
  const command = addReadFlags(program.command('plan').argument('[sets...]', 'StatefulSets; without any all that have a plan'))
    .description('show what would move, why, and what it costs')
    .addOption(new Option('-f, --filename <file>', 'compute it here from the objects in this file (YAML or JSON, several documents, lists; - is standard input); may be given again').argParser(collect))
    .addOption(new Option('--nodes <file>', 'with -f: nodes, and whatever else belongs to the cluster, from this file; may be given again').argParser(collect))
    .option('--disks <zones>', 'with -f: where the disks of a set are whose claims and volumes are in no file: one zone, or ordinals=zone, e.g. 0-3=cn-beijing-h,4=cn-beijing-i')
    .action((sets: string[], flags: PlanFlags) => (flags.filename === undefined ? planOfCluster(around, sets, flags) : planOfFiles(around, sets, { ...flags, filename: flags.filename })));
  addExamples(command, around.calledAs, [
    ['plan web', 'what the controller would do with web, and why'],
    ['plan -A', 'of all sets'],
    ['plan -f set.yaml --nodes nodes.yaml --disks cn-beijing-h', 'without a cluster: all its disks being in cn-beijing-h'],
    ['plan -f everything.yaml', 'from: kubectl get statefulset,pod,pvc,pv,node,csinode,storageclass,pdb -o yaml > everything.yaml'],
  ]);
}

async function planOfCluster(around: Surroundings, sets: readonly string[], flags: PlanFlags): Promise<void> {
  if (flags.nodes !== undefined || flags.disks !== undefined) throw wrongUsage('--nodes and --disks go with -f');
  await withCluster(around, flags, async (session) => {
    const names = sets.map(setNameFrom);
    const reports = await reportsOf(session, names);
    session.show.answer(reports.length === 0 ? noPlans(session) : joined(reports.map((report) => reportLines(report, session))), { plans: reports.map(documentOf) });
  });
}

async function reportsOf({ api, scope, namespace }: Session, names: readonly string[]): Promise<SpreadReport[]> {
  if (names.length === 0) return (await api.list(spreadReports, scope === undefined ? {} : { namespace: scope })).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return Promise.all(names.map((name) => reportOf({ api, namespace }, name)));
}

/** @throws VerbEnded (failed) that says what is missing. */
export async function reportOf({ api, namespace }: Pick<Session, 'api' | 'namespace'>, name: string): Promise<SpreadReport> {
  const report = await api.get(spreadReports, { namespace, name });
  if (report?.status !== undefined) return report;
  const set = await findSet(api, namespace, name);
  throw failed(`there is no report of StatefulSet ${namespace}/${name} yet: ${whyNoReport(set)}`);
}

function whyNoReport({ metadata }: StatefulSet): string {
  const declares = metadata.annotations?.[keyOf('zones')] !== undefined;
  return declares ? 'the controller writes it when it has looked at the set; if it does not come, zonespread doctor tells why' : `it declares no zones: kubectl annotate statefulset ${metadata.name} -n ${metadata.namespace ?? ''} zonespread.io/zones=<zone>,<zone>`;
}

function documentOf({ metadata, status }: SpreadReport): object {
  const { zones, skew, satisfied, plan, approved, blocked, conditions = [] } = status ?? {};
  return { namespace: metadata.namespace, name: metadata.name, zones, skew, satisfied, plan, approved, blocked, unsatisfied: conditions.find(({ type, status: value }) => type === 'Satisfied' && value === 'False')?.message };
}

function noPlans({ scope, show }: Session): Line[] {
  return wrap(`There is no plan ${scope === undefined ? 'in any namespace' : `in namespace ${scope} (-A: in all)`}: no StatefulSet there has the annotation zonespread.io/zones, or the controller has not looked yet.`, show.columns).map((row) => line(row));
}

function joined(blocks: readonly (readonly Line[])[]): Line[] {
  return blocks.flatMap((block, at) => [...(at === 0 ? [] : [EMPTY]), ...block]);
}

function reportLines(report: SpreadReport, { show }: Session): Line[] {
  const { status = {} } = report;
  const { plan, approved, blocked = [], conditions = [] } = status;
  const unsatisfied = conditions.find(({ type, status: value }) => type === 'Satisfied' && value === 'False');
  const lines = bodyLines({ name: report.metadata.name, plan, blocked, unsatisfied: unsatisfied?.message }, show.columns);
  const digest = plan === undefined || plan.total === 0 ? [] : [EMPTY, ...indented(digestLines(plan, approved?.digest), 2)];
  return [headingOf(nameOf(report), plan), ...lines, ...digest];
}

function headingOf(name: string, plan: ReportedPlan | undefined): Line {
  return line(piece(name, 'strong'), '   ', plan === undefined ? piece('no plan', 'bad') : plan.total === 0 ? piece('nothing to move', 'good') : costWords(plan));
}

interface Body {
  name: string;
  plan: ReportedPlan | undefined;
  blocked: readonly { ordinals: string; reason: string; message: string }[];
  unsatisfied: string | undefined;
}

function bodyLines({ name, plan, blocked, unsatisfied }: Body, columns: number): Line[] {
  const moves = plan === undefined || plan.total === 0 ? [] : [EMPTY, ...indented(planLines(name, plan, columns - 2), 2)];
  // With moves the condition only says how many there are.
  const why = unsatisfied === undefined || moves.length > 0 || blocked.length > 0 ? [] : [EMPTY, ...indented(wrap(unsatisfied, columns - 2).map((row) => line(row)), 2)];
  const waits = blocked.length === 0 ? [] : [EMPTY, ...indented([line(piece('WAITS', 'faint')), ...blockLines(name, blocked, columns - 2)], 2)];
  return [...moves, ...why, ...waits];
}

async function planOfFiles(around: Surroundings, sets: readonly string[], flags: PlanFlags & { filename: string[] }): Promise<void> {
  const show = createShow(around, flags.output);
  const paths = [...flags.filename, ...(flags.nodes ?? [])];
  const texts = await Promise.all(paths.map(async (path) => ({ path, text: await read(around, path) })));
  const plans = await planFromFiles(texts, {
    only: sets.map(setNameFrom),
    clock: around.clock,
    ...(flags.disks === undefined ? {} : { disks: flags.disks }),
    ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
  });
  show.answer(joined(plans.map((plan) => filePlanLines(plan, show))), { plans: plans.map((plan) => filePlanDocument(plan)) });
}

/** @throws VerbEnded (failed) that names the file. */
async function read(around: Surroundings, path: string): Promise<string> {
  try {
    return await around.readText(path);
  } catch (error) {
    throw failed(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function filePlanLines({ namespace, name, status, assumed, staying }: FilePlan, { columns }: Show): Line[] {
  const { plan, blocked = [], conditions = [] } = status;
  const unsatisfied = conditions.find(({ type, status: value }) => type === 'Satisfied' && value === 'False')?.message;
  const held = staying.filter(({ ordinals }) => !blocked.some((block) => block.ordinals === ordinals));
  return [
    headingOf(`${namespace}/${name}`, plan),
    EMPTY,
    ...indented(zoneRows(status, columns - 2), 2),
    ...bodyLines({ name, plan, blocked: [...blocked, ...held], unsatisfied }, columns),
    ...(assumed.length === 0 ? [] : [EMPTY, ...indented([line(piece('ASSUMED, for no file says it', 'faint')), ...assumed.flatMap((one) => wrap(one, columns - 4).map((row, at) => line(at === 0 ? '- ' : '  ', row)))], 2)]),
    ...(plan === undefined || plan.total === 0 ? [] : [EMPTY, ...indented(digestLines(plan, undefined), 2)]),
  ];
}

function filePlanDocument({ namespace, name, status, assumed, staying }: FilePlan): object {
  const { zones, skew, satisfied, plan, blocked } = status;
  return { namespace, name, zones, skew, satisfied, plan, blocked, staying, assumed };
}
