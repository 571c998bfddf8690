// `zonespread evacuate`: a zone that no set may use, until the evacuation is taken back; without a zone those that are under way.

import type { Command } from 'commander';
import { zoneEvacuations, type ZoneEvacuation } from '../../controller/zone-evacuation.ts';
import { spreadReports } from '../../controller/spread-report.ts';
import { apiVersionOf, nodes } from '../../kubernetes/objects.ts';
import { conditionOf, isTrue } from '../../kubernetes/reading.ts';
import { isConflict } from '../../kubernetes/refusals.ts';
import { zoneOfNode } from '../../layout/zones.ts';
import { timestamp } from '../../ports/clock.ts';
import { blocked, failed, wrongUsage } from '../exit.ts';
import { duration } from '../flags.ts';
import { progressBar } from '../rendering/progress.ts';
import { indented, tableLines, textCell } from '../rendering/table.ts';
import { several, span } from '../../standing/amounts.ts';
import { line, piece, wrap, type Line } from '../rendering/text.ts';
import { addClusterFlags, addDryRunFlag, addExamples, outputFlag, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';
import { follow } from '../waiting.ts';

interface EvacuateFlags extends ClusterFlags {
  reason?: string;
  undo?: boolean;
  wait?: boolean;
  timeout?: number;
  dryRun?: true;
}

export function addEvacuateVerb(program: Command, around: Surroundings): void {
  const command = addDryRunFlag(addClusterFlags(program.command('evacuate').argument('[zone]', 'the zone to leave; without it: the evacuations under way, and how far they are')))
    .addOption(outputFlag())
    .description('close a zone to all annotated sets, and move what is there out of it')
    .option('--reason <text>', 'why, for people')
    .option('--undo', 'take the evacuation of the zone back: sets may use it again')
    .option('-w, --wait', 'show how far it is, until the zone is empty; exit code 3 with the reason when nothing moves any more')
    .option('--timeout <duration>', 'with --wait: how long at most, e.g. 2h', duration)
    .action((zone: string | undefined, flags: EvacuateFlags) => withCluster(around, flags, (session) => (zone === undefined ? show(session, flags) : evacuate(session, zone, flags))));
  addExamples(command, around.calledAs, [
    ['evacuate cn-beijing-h --reason "closes in March" --wait', 'every set leaves cn-beijing-h, one ordinal at a time'],
    ['evacuate', 'what is being evacuated, what is left, and what holds it'],
    ['evacuate cn-beijing-h --undo', 'the zone may be used again; what has moved stays where it is'],
  ]);
}

async function show(session: Session, { undo, wait }: EvacuateFlags): Promise<void> {
  if (undo === true || wait === true) throw wrongUsage('say which zone: zonespread evacuate <zone>');
  const evacuations = await session.api.list(zoneEvacuations);
  session.show.answer(evacuations.length === 0 ? [line('No zone is being evacuated.')] : evacuationLines(evacuations, session), { evacuations: evacuations.map(({ metadata, spec, status }) => ({ name: metadata.name, ...spec, since: metadata.creationTimestamp, ...status })) });
}

export function evacuationLines(evacuations: readonly ZoneEvacuation[], { show: { columns }, around }: Session): Line[] {
  const titles = [{ title: 'ZONE' }, { title: 'LEFT', align: 'right' as const }, { title: 'MOVED', align: 'right' as const }, { title: 'BLOCKED', align: 'right' as const }, { title: 'SINCE', align: 'right' as const }, { title: 'REASON', flexible: true }];
  const rows = evacuations.map(({ metadata, spec, status = {} }) => [
    line(piece(spec.zone, 'name')),
    line(piece(String(status.disksLeft ?? ''), status.disksLeft === 0 ? 'good' : 'plain')),
    textCell(status.disksMoved),
    line(piece(String(status.disksBlocked ?? ''), (status.disksBlocked ?? 0) > 0 ? 'bad' : 'plain')),
    textCell(metadata.creationTimestamp === undefined ? '' : span(around.clock.now() - Date.parse(metadata.creationTimestamp))),
    line(spec.reason ?? ''),
  ]);
  return [...tableLines(titles, rows, columns), ...evacuations.flatMap((evacuation) => heldLines(evacuation, columns))];
}

const MOST_HELD = 10;

function heldLines({ status }: ZoneEvacuation, columns: number): Line[] {
  const held = status?.blocked ?? [];
  const lines = held.slice(0, MOST_HELD).flatMap(({ namespace, statefulSet, ordinals, reason, message }) => [
    line(piece(reason, 'busy'), `   ${namespace}/${statefulSet}${ordinals === '' ? '' : `-${ordinals}`}`),
    ...indented(wrap(message, columns - 2).map((row) => line(row)), 2),
  ]);
  const more = held.length - MOST_HELD;
  return held.length === 0 ? [] : [[], ...lines, ...(more > 0 ? [line(piece(`and ${more} more: -o yaml shows all`, 'faint'))] : [])];
}

async function evacuate(session: Session, zone: string, flags: EvacuateFlags): Promise<void> {
  const existing = (await session.api.list(zoneEvacuations)).filter(({ spec }) => spec.zone === zone);
  if (flags.undo === true) return takeBack(session, { zone, existing, dryRun: flags.dryRun === true });
  const [found] = existing;
  const evacuation = found ?? (await begin(session, zone, flags));
  if (found !== undefined) session.show.tell(`Zone ${zone} is being evacuated already (ZoneEvacuation ${found.metadata.name}).`);
  if (flags.wait === true && flags.dryRun !== true) await waitFor(session, evacuation, flags.timeout);
}

async function begin(session: Session, zone: string, { reason, dryRun: tried, wait = false }: EvacuateFlags): Promise<ZoneEvacuation> {
  const { api, around } = session;
  const dryRun = tried === true;
  await requireZone(session, zone);
  const made = await api.create(zoneEvacuations, { apiVersion: apiVersionOf(zoneEvacuations), kind: zoneEvacuations.kind, metadata: { name: zone }, spec: { zone, ...(reason === undefined ? {} : { reason }) } }, { dryRun });
  const affected = await ordinalsIn(session, zone);
  const nextSteps = wait || dryRun ? '' : ` To follow: ${around.calledAs} evacuate ${zone} --wait; to take it back: ${around.calledAs} evacuate ${zone} --undo`;
  session.show.tell(`Zone ${zone} ${dryRun ? 'would be' : 'is'} closed${dryRun ? ' (server dry run)' : ''}: ${affected}.${nextSteps}`);
  return made;
}

/** A zone that nobody has heard of is most likely mistyped. Nodes may have gone already, disks of sets may be left. */
async function requireZone({ api }: Session, zone: string): Promise<void> {
  const [allNodes, reports] = await Promise.all([api.list(nodes), api.list(spreadReports)]);
  const known = new Set([...allNodes.flatMap((node) => zoneOfNode(node) ?? []), ...reports.flatMap(({ status }) => (status?.zones ?? []).map((reported) => reported.zone))]);
  if (!known.has(zone)) throw failed(`neither a node nor a disk of an annotated set is in zone ${zone}; there are ${[...known].toSorted().join(', ')}`);
}

async function ordinalsIn({ api }: Session, zone: string): Promise<string> {
  const there = (await api.list(spreadReports)).flatMap(({ status }) => (status?.zones ?? []).filter((reported) => reported.zone === zone && reported.actual > 0));
  if (there.length === 0) return 'no ordinal of an annotated set is in it';
  return `${several(there.reduce((sum, { actual }) => sum + actual, 0), 'ordinal')} of ${several(there.length, 'set')} will leave it, one at a time`;
}

async function takeBack(session: Session, { zone, existing, dryRun }: { zone: string; existing: readonly ZoneEvacuation[]; dryRun: boolean }): Promise<void> {
  if (dryRun) throw wrongUsage('--undo and --dry-run do not go together: zonespread evacuate shows what there is to take back');
  if (existing.length === 0) throw failed(`zone ${zone} is not being evacuated; ${session.around.calledAs} evacuate shows which are`);
  for (const { metadata } of existing) await remove(session, metadata);
  session.show.tell(`The evacuation of zone ${zone} is taken back: sets may use it again. What has moved stays where it is, unless a policy asks for it.`);
}

async function remove({ api }: Session, { name, uid = '' }: ZoneEvacuation['metadata']): Promise<void> {
  try {
    await api.delete(zoneEvacuations, { name }, { uid });
  } catch (error) {
    if (isConflict(error)) throw blocked(`ZoneEvacuation ${name} was made anew in that very moment; nothing was deleted. Try again`);
    throw error;
  }
}

async function waitFor(session: Session, evacuation: ZoneEvacuation, timeoutMs: number | undefined): Promise<void> {
  const { zone } = evacuation.spec;
  await follow(session, {
    resource: zoneEvacuations,
    object: evacuation,
    who: 'it',
    state: ({ status }) => `${status?.disksLeft ?? 'nobody knows how many'} disks are left in zone ${zone}`,
    gone: `the evacuation of zone ${zone} was taken back`,
    toFollow: `${session.around.calledAs} evacuate`,
    tell: createTeller(session),
    isOver,
    timeoutMs,
  });
  session.show.tell(`Zone ${zone} is empty: no disk of an annotated set is left in it. It stays closed until: ${session.around.calledAs} evacuate ${zone} --undo`);
}

/** @throws VerbEnded (blocked) when all that is left is held. */
function isOver(evacuation: ZoneEvacuation): boolean {
  if (isTrue(evacuation, 'Complete')) return true;
  const progressing = conditionOf(evacuation, 'Progressing');
  if (progressing?.status === 'False') throw blocked(`zone ${evacuation.spec.zone} still has ${evacuation.status?.disksLeft ?? 0} disks, and all of them are held: ${progressing.message ?? progressing.reason ?? ''}`);
  return false;
}

/** On a terminal a bar; anywhere else a line for each change. */
function createTeller({ show: { screen, columns }, around }: Session): (evacuation: ZoneEvacuation) => void {
  let told = '';
  return ({ spec, status }) => {
    const { disksLeft, disksMoved = 0, disksBlocked = 0 } = status ?? {};
    const words = disksLeft === undefined ? 'the controller is looking at all sets' : `${disksLeft} left, ${disksMoved} moved, ${disksBlocked} held`;
    const percent = disksLeft === undefined ? 0 : Math.floor((100 * disksMoved) / Math.max(1, disksMoved + disksLeft));
    screen.show(() => [line(piece(spec.zone, 'name'), '   ', ...progressBar(percent, Math.min(46, columns - spec.zone.length - words.length - 8)), `   ${words}`)]);
    if (words !== told) screen.note(line(`${timestamp(around.clock)}   ${spec.zone}   ${words}`));
    told = words;
  };
}
