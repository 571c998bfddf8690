// `zonespread pause` and `resume`: a set starts nothing new until it is resumed; a frozen move goes on where it stopped.

import type { Command } from 'commander';
import { isConflict } from '../../kubernetes/refusals.ts';
import { namespaces, type StatefulSet } from '../../kubernetes/objects.ts';
import { ended, ordinalMigrations, phaseOf, type OrdinalMigration } from '../../migration/record.ts';
import { keyOf } from '../../policy/annotations.ts';
import { blocked } from '../exit.ts';
import { findMigration, findSet, isSetName, setNameFrom } from '../names.ts';
import { addClusterFlags, addDryRunFlag, addExamples, withCluster, type ClusterFlags, type Session } from '../session.ts';
import { annotateSet } from '../set-annotations.ts';
import type { Surroundings } from '../surroundings.ts';
import { addRequestFlags, request, RESUME, type RequestFlags } from './requests.ts';

const PAUSED = keyOf('paused');

interface PauseFlags extends ClusterFlags {
  dryRun?: true;
}

export function addPauseVerb(program: Command, around: Surroundings): void {
  const command = addDryRunFlag(addClusterFlags(program.command('pause').argument('<set>', 'StatefulSet')))
    .description('let a set finish or undo what is at hand, and start nothing new')
    .action((set: string, flags: PauseFlags) => withCluster(around, flags, (session) => pause(session, setNameFrom(set), flags.dryRun === true)));
  addExamples(command, around.calledAs, [['pause web', 'until: zonespread resume web']]);
}

export function addResumeVerb(program: Command, around: Surroundings): void {
  const command = addRequestFlags(program.command('resume').argument('<set-or-move>', 'paused StatefulSet; or a frozen move: OrdinalMigration, or <set>/<ordinal>'))
    .description('let a paused set go on, or a frozen move')
    .action((name: string, flags: RequestFlags) => withCluster(around, flags, (session) => resume(session, name, flags)));
  addExamples(command, around.calledAs, [
    ['resume web', 'a set that was paused'],
    ['resume web/2 --wait', 'a move that was frozen, once its cause is put right'],
  ]);
}

async function pause(session: Session, name: string, dryRun: boolean): Promise<void> {
  const { api, namespace, show } = session;
  const set = await findSet(api, namespace, name);
  if (set.metadata.annotations?.[PAUSED] === 'true') return show.tell(`${namespace}/${name} is paused already.`);
  await write(session, { set, value: 'true', dryRun });
  const open = (await recordsOf(session, name)).map(({ metadata }) => metadata.name);
  show.tell(`${namespace}/${name} ${dryRun ? 'would be paused (server dry run)' : 'is paused'}: it starts nothing new${open.length === 0 ? '' : `, and ends what is at hand (${open.join(', ')})`}. To go on: ${session.around.calledAs} resume ${name} -n ${namespace}`);
}

async function recordsOf({ api, namespace }: Session, name: string): Promise<OrdinalMigration[]> {
  return (await api.list(ordinalMigrations, { namespace })).filter((record) => record.spec.statefulSetRef.name === name && !ended(record));
}

async function resume(session: Session, text: string, flags: RequestFlags): Promise<void> {
  const record = await moveNamed(session, text);
  if (record !== undefined) return request(session, { verb: RESUME, record, flags });
  return resumeSet(session, setNameFrom(text), flags.dryRun === true);
}

/** A set and a record may have the same name only by accident; then it is the record that does not go on by itself. */
async function moveNamed({ api, namespace }: Session, text: string): Promise<OrdinalMigration | undefined> {
  if (!text.includes('/')) return api.get(ordinalMigrations, { namespace, name: text });
  return isSetName(text) ? undefined : findMigration(api, namespace, text);
}

async function resumeSet(session: Session, name: string, dryRun: boolean): Promise<void> {
  const { api, namespace, show, around } = session;
  const set = await findSet(api, namespace, name);
  const inherited = (await api.get(namespaces, { name: namespace }))?.metadata.annotations?.[PAUSED] === 'true';
  const hint = await frozenHint(session, name);
  if (!isPaused(set, inherited)) return show.tell(`${namespace}/${name} is not paused.${hint}`);
  // Where the namespace says "paused" for all, the set has to say that it is not.
  await write(session, { set, value: inherited ? 'false' : null, dryRun });
  show.tell(`${namespace}/${name} ${dryRun ? 'would go on (server dry run)' : 'goes on'}.${hint === '' ? ` To follow: ${around.calledAs} status ${name} -n ${namespace} --watch` : hint}`);
}

function isPaused({ metadata }: StatefulSet, inherited: boolean): boolean {
  const own = metadata.annotations?.[PAUSED];
  return own === undefined ? inherited : own === 'true';
}

/** A frozen move does not go on because its set does. */
async function frozenHint(session: Session, name: string): Promise<string> {
  const frozen = (await recordsOf(session, name)).filter((record) => phaseOf(record) === 'Frozen');
  return frozen.length === 0 ? '' : ` Frozen: ${frozen.map(({ metadata }) => metadata.name).join(', ')}; to have a move go on: ${session.around.calledAs} resume <move> -n ${session.namespace}`;
}

async function write({ api }: Session, { set, value, dryRun }: { set: StatefulSet; value: string | null; dryRun: boolean }): Promise<void> {
  try {
    await annotateSet(api, set, { [PAUSED]: value }, { dryRun });
  } catch (error) {
    if (isConflict(error)) throw blocked(`StatefulSet ${set.metadata.name} was changed in that very moment; nothing was written. Try again`);
    throw error;
  }
}
