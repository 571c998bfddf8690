// What a person decides about one move: abort, reverse, restore-source, release, resume. Each is an annotation on its record, which the
// controller answers; `--wait` until what was asked has come about.

import type { Command } from 'commander';
import { REQUEST_ANNOTATION } from '../../kubernetes/names.ts';
import { events, type KubernetesObject } from '../../kubernetes/objects.ts';
import { isConflict, isNotFound } from '../../kubernetes/refusals.ts';
import { courseOf, ended, ordinalMigrations, phaseOf, podNameOf, statusOf, type MigrationRequest, type OrdinalMigration } from '../../migration/record.ts';
import { requestProblem } from '../../migration/requests.ts';
import { blocked, failed } from '../exit.ts';
import { duration } from '../flags.ts';
import { findMigration } from '../names.ts';
import { addClusterFlags, addDryRunFlag, addExamples, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';
import { followRecord, stateOf } from '../waiting.ts';

export interface RequestFlags extends ClusterFlags {
  wait?: boolean;
  timeout?: number;
  dryRun?: true;
}

interface Verb {
  request: MigrationRequest;
  description: string;
  /** What will happen, after "web-2 …". */
  consequence: string;
  /** The controller has taken it up. */
  isTaken(record: OrdinalMigration): boolean;
  /** What was asked for is done. */
  isDone(record: OrdinalMigration): boolean;
  examples: [line: string, does: string][];
}

const reasonOf = (record: OrdinalMigration): string => statusOf(record).reason ?? '';

const VERBS: readonly Verb[] = [
  {
    request: 'abort',
    description: 'undo what can be undone of a move: before its new disk is in use',
    consequence: 'is undone: it goes back to its old disk',
    isTaken: (record) => ended(record) || (courseOf(record) === 'Undo' && statusOf(record).resumeAt === undefined),
    isDone: ended,
    examples: [
      ['abort web/2', 'the move of ordinal 2 that is under way'],
      ['abort web-2-bcdfg --wait', 'by the name of its record, until web-2 is back on its old disk'],
    ],
  },
  {
    request: 'reverse',
    description: 'take a move back by a move in the other direction, with every write since; after its new disk came into use',
    consequence: 'is moved back, with every write since',
    isTaken: (record) => ended(record) || reasonOf(record) === 'Reversing',
    isDone: ended,
    examples: [['reverse web/2 --wait', 'back to the old zone, until it has arrived']],
  },
  {
    request: 'restore-source',
    description: 'put the old disk back in place of the new one; WRITES SINCE THE MOVE ARE NOT ON IT (they are kept in a snapshot and on the newer disk)',
    consequence: 'goes back to its old disk; what was written since is kept in a snapshot and on the newer disk, and is not on the old one',
    isTaken: (record) => ended(record) || courseOf(record) === 'Restore' || reasonOf(record) === 'SourceRestored',
    isDone: ended,
    examples: [['restore-source web/2 --wait', 'when the application cannot use its new disk']],
  },
  {
    request: 'release',
    description: 'let go of a frozen move: everything stays as it is, nothing is deleted',
    consequence: 'is let go of: everything stays as it is, and nothing is deleted',
    isTaken: ended,
    isDone: ended,
    examples: [['release web/2', 'after you have put things right by hand']],
  },
];

/** For a move; `resume` of a set is another matter (pausing.ts). */
export const RESUME: Omit<Verb, 'description' | 'examples'> = {
  request: 'resume',
  consequence: 'goes on where it stopped',
  isTaken: (record) => phaseOf(record) !== 'Frozen',
  isDone: (record) => phaseOf(record) !== 'Frozen',
};

export function addRequestVerbs(program: Command, around: Surroundings): void {
  for (const verb of VERBS) {
    const command = addRequestFlags(program.command(verb.request).argument('<move>', 'OrdinalMigration, or <set>/<ordinal>'))
      .description(verb.description)
      .action((move: string, flags: RequestFlags) => withCluster(around, flags, async (session) => request(session, { verb, record: await findMigration(session.api, session.namespace, move), flags })));
    addExamples(command, around.calledAs, verb.examples);
  }
}

export function addRequestFlags(command: Command): Command {
  return addDryRunFlag(addClusterFlags(command))
    .option('--wait', 'until it has come about; exit code 3 when the controller refuses')
    .option('--timeout <duration>', 'with --wait: how long at most, e.g. 10m', duration);
}

export async function request(session: Session, asked: { verb: Omit<Verb, 'description' | 'examples'>; record: OrdinalMigration; flags: RequestFlags }): Promise<void> {
  const { verb, record, flags } = asked;
  const problem = requestProblem(record, verb.request);
  if (problem !== undefined) throw blocked(`${verb.request} is not possible for ${record.metadata.name} (${stateOf(record)}): ${problem}`);
  requireNoOther(record, verb.request);
  await annotate(session, record, { request: verb.request, dryRun: flags.dryRun === true });
  const words = `${podNameOf(record)} ${flags.dryRun === true ? 'would be asked (server dry run): it then' : ''} ${verb.consequence}`.replaceAll(/ {2,}/g, ' ');
  const follow = flags.dryRun === true || flags.wait === true ? '' : ` To follow: ${session.around.calledAs} status ${record.spec.statefulSetRef.name} -n ${session.namespace} --watch`;
  session.show.tell(`Asked of ${record.metadata.name}: ${verb.request}. ${words}.${follow}`);
  if (flags.wait === true && flags.dryRun !== true) await waitFor(session, asked);
}

/** One at a time: the second would take the place of the first before anybody has read it. */
function requireNoOther({ metadata }: OrdinalMigration, wanted: MigrationRequest): void {
  const pending = metadata.annotations?.[REQUEST_ANNOTATION];
  if (pending !== undefined && pending !== wanted) throw blocked(`${metadata.name} has been asked to ${pending} already, and the controller has not answered yet; to take that back: kubectl annotate om ${metadata.name} -n ${metadata.namespace ?? ''} ${REQUEST_ANNOTATION}-`);
}

/** On the very record that was looked at; its status goes on changing meanwhile, and does not matter. */
async function annotate({ api }: Session, { metadata }: OrdinalMigration, { request: word, dryRun }: { request: MigrationRequest; dryRun: boolean }): Promise<void> {
  try {
    await api.mergePatch(ordinalMigrations, { namespace: metadata.namespace ?? '', name: metadata.name }, { metadata: { uid: metadata.uid, annotations: { [REQUEST_ANNOTATION]: word } } }, { dryRun });
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) throw failed(`OrdinalMigration ${metadata.name} is gone: it was deleted meanwhile, and nothing was asked`);
    throw error;
  }
}

async function waitFor(session: Session, { verb, record, flags }: Parameters<typeof request>[1]): Promise<void> {
  const isAnswered = (now: OrdinalMigration): boolean => now.metadata.annotations?.[REQUEST_ANNOTATION] === undefined;
  const timeoutMs = flags.timeout;
  const answered = await followRecord(session, record, { isOver: isAnswered, timeoutMs });
  if (!verb.isTaken(answered)) throw blocked(`the controller refused to ${verb.request}: ${await refusalIn(session, answered)}`);
  const over = await followRecord(session, record, { isOver: (now) => verb.isDone(now) || isStuck(now, verb.request), timeoutMs });
  if (!verb.isDone(over)) throw blocked(`${over.metadata.name} is ${stateOf(over)}: ${statusOf(over).message ?? ''}`);
  session.show.tell(`${podNameOf(over)}: ${stateOf(over)}. ${statusOf(over).message ?? ''}`.trimEnd());
}

/** Frozen on its way; while it is reversed it is Frozen as it should be. */
function isStuck(record: OrdinalMigration, word: MigrationRequest): boolean {
  return phaseOf(record) === 'Frozen' && !(word === 'reverse' && reasonOf(record) === 'Reversing');
}

/** The controller says why in an event on the record. */
async function refusalIn({ api, namespace }: Session, { metadata }: OrdinalMigration): Promise<string> {
  const all = (await api.list(events, { namespace })) as (KubernetesObject & { involvedObject?: { uid?: string }; message?: string; lastTimestamp?: string })[];
  const own = all.filter(({ involvedObject, message = '' }) => involvedObject?.uid === metadata.uid && message.includes(REQUEST_ANNOTATION));
  const last = own.toSorted((a, b) => ((a.lastTimestamp ?? '') < (b.lastTimestamp ?? '') ? 1 : -1))[0];
  return last?.message ?? `see kubectl describe om ${metadata.name} -n ${namespace}`;
}
