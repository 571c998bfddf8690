// What may come next on the command line: verbs, flags and their values from the program itself, names from the cluster. Said in the way
// of cobra's `__complete`, which kubectl asks its plugins for: a candidate and its description to a line, at last a directive.

import type { Argument, Command, Option } from 'commander';
import { zoneEvacuations } from '../../controller/zone-evacuation.ts';
import { namespaces, nodes } from '../../kubernetes/objects.ts';
import { zoneOfNode } from '../../layout/zones.ts';
import { everyOrdinalOf } from '../../migration/owner.ts';
import { ended, ordinalMigrations, podNameOf, statusOf } from '../../migration/record.ts';
import { findSet, listSets, setNameFrom } from '../names.ts';
import { withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';

export const COMPLETE = '__complete';

/** The shell may offer files, or must not. */
const FILES = ':0';
const NO_FILES = ':4';

const FLAG_WITH_VALUE = /^(?<flag>--[^=]+)=(?<value>.*)$/su;

interface Candidate {
  value: string;
  description?: string | undefined;
}

/** @param words after the program's name; the last one is being typed, and may be empty */
export async function complete(program: Command, words: readonly string[], around: Surroundings): Promise<void> {
  const { candidates, files } = await candidatesFor(program, words, around);
  const typed = withoutItsFlag(words.at(-1) ?? '');
  const lines = candidates.filter(({ value }) => value.startsWith(typed) && isOneLine(value)).map(({ value, description }) => (description === undefined || description === '' ? value : `${value}\t${firstSentence(description)}`));
  around.out.write(`${[...lines, files ? FILES : NO_FILES].join('\n')}\n`);
}

/** Of `--namespace=shop` the candidates are what may stand behind the sign: so kubectl has it, and so the scripts take it. */
function withoutItsFlag(word: string): string {
  return FLAG_WITH_VALUE.exec(word)?.groups?.['value'] ?? word;
}

/** A kubeconfig may call its contexts anything; what is no line of its own cannot be said here. */
function isOneLine(value: string): boolean {
  return !/\p{Cc}/u.test(value);
}

function firstSentence(text: string): string {
  return text.split(/[;:]/, 1)[0] ?? text;
}

interface Found {
  candidates: Candidate[];
  files: boolean;
}

async function candidatesFor(program: Command, words: readonly string[], around: Surroundings): Promise<Found> {
  const [verb = '', ...rest] = words;
  if (words.length <= 1) return { candidates: verbsOf(program), files: false };
  const command = program.commands.find((one) => one.name() === verb);
  if (verb === 'help' && rest.length === 1) return { candidates: verbsOf(program), files: false };
  return command === undefined ? { candidates: [], files: false } : candidatesOf(command, rest, around);
}

async function candidatesOf(command: Command, words: readonly string[], around: Surroundings): Promise<Found> {
  const typed = words.at(-1) ?? '';
  const waiting = awaitedValue(command, FLAG_WITH_VALUE.exec(typed)?.groups?.['flag'] ?? words.at(-2));
  if (waiting !== undefined) return valuesOf(waiting, { words, around });
  if (typed.startsWith('-')) return { candidates: flagsOf(command), files: false };
  return { candidates: await argumentsOf(command, words, around), files: false };
}

function verbsOf(program: Command): Candidate[] {
  return program.createHelp().visibleCommands(program).map((command) => ({ value: command.name(), description: command.description() }));
}

function flagsOf(command: Command): Candidate[] {
  return command.createHelp().visibleOptions(command).flatMap(({ long, description }) => (typeof long === 'string' ? [{ value: long, description }] : []));
}

/** The flag before, if it wants a value and has none yet. */
function awaitedValue(command: Command, before: string | undefined): Option | undefined {
  return command.options.find((option) => before !== undefined && (option.long === before || option.short === before) && option.required);
}

interface Typing {
  words: readonly string[];
  around: Surroundings;
}

async function valuesOf(option: Option, { words, around }: Typing): Promise<Found> {
  if (option.argChoices !== undefined) return { candidates: option.argChoices.map((value) => ({ value })), files: false };
  if (option.long === '--context') return { candidates: contextsFor(around, flagsIn(words, around)), files: false };
  if (option.long === '--namespace') return { candidates: await fromCluster(around, flagsIn(words, around), async ({ api }) => (await api.list(namespaces)).map(({ metadata }) => ({ value: metadata.name }))), files: false };
  return { candidates: [], files: ['--filename', '--nodes', '--kubeconfig'].includes(option.long ?? '') };
}

/** What an argument of a verb is the name of. */
type Names = (session: Session, before: readonly string[]) => Promise<Candidate[]>;

const sets: Names = async ({ api, namespace }) => (await listSets(api, namespace)).map(({ metadata }) => ({ value: metadata.name }));

const moves: Names = async ({ api, namespace }) => (await api.list(ordinalMigrations, { namespace })).filter((record) => !ended(record)).map((record) => ({ value: record.metadata.name, description: `${podNameOf(record)} to ${record.spec.targetZone} ${statusOf(record).step ?? ''}`.trimEnd() }));

const zones: Names = async ({ api }) => [...new Set((await api.list(nodes)).flatMap((node) => zoneOfNode(node) ?? []))].toSorted().map((value) => ({ value }));

const zonesToLeave: Names = async (session, before) => [...(await session.api.list(zoneEvacuations)).map(({ spec }) => ({ value: spec.zone, description: 'is being evacuated' })), ...(await zones(session, before))].filter((one, at, all) => all.findIndex(({ value }) => value === one.value) === at);

const ordinals: Names = async ({ api, namespace }, [set = '']) => {
  const found = await findSet(api, namespace, setNameFrom(set));
  return everyOrdinalOf(found).map((ordinal) => ({ value: String(ordinal) }));
};

const setsAndMoves: Names = async (session, before) => [...(await sets(session, before)), ...(await moves(session, before))];

/** By verb, one for each argument; the last one stands for all that follow where the argument may be repeated. */
const NAMES: Readonly<Record<string, readonly Names[]>> = {
  status: [sets],
  plan: [sets],
  approve: [sets],
  migrate: [sets, ordinals, zones],
  evacuate: [zonesToLeave],
  pause: [sets],
  resume: [setsAndMoves],
  abort: [moves],
  reverse: [moves],
  'restore-source': [moves],
  release: [moves],
};

async function argumentsOf(command: Command, words: readonly string[], around: Surroundings): Promise<Candidate[]> {
  const before = positionalsIn(command, words.slice(0, -1));
  const argument = argumentAt(command, before.length);
  if (argument?.argChoices !== undefined) return argument.argChoices.map((value) => ({ value }));
  const names = NAMES[command.name()]?.[Math.min(before.length, (NAMES[command.name()]?.length ?? 1) - 1)];
  if (argument === undefined || names === undefined) return [];
  return fromCluster(around, flagsIn(words, around), (session) => names(session, before));
}

function argumentAt({ registeredArguments }: Command, at: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[at] ?? (last?.variadic === true ? last : undefined);
}

function positionalsIn(command: Command, words: readonly string[]): string[] {
  return words.filter((word, at) => !word.startsWith('-') && awaitedValue(command, words[at - 1]) === undefined);
}

/** Those that say which cluster and namespace is meant. The word being typed says nothing yet. */
function flagsIn(words: readonly string[], { environment }: Surroundings): ClusterFlags {
  const said = words.slice(0, -1);
  const valueOf = (...names: string[]): string | undefined => said.flatMap((word, at) => (names.includes(word) ? (said[at + 1] ?? []) : names.filter((name) => word.startsWith(`${name}=`)).map((name) => word.slice(name.length + 1)))).at(-1);
  const [namespace, context, kubeconfig] = [valueOf('-n', '--namespace'), valueOf('--context'), valueOf('--kubeconfig') ?? environment['ZONESPREAD_KUBECONFIG']];
  return { ...(namespace === undefined ? {} : { namespace }), ...(context === undefined ? {} : { context }), ...(kubeconfig === undefined ? {} : { kubeconfig: atHome(kubeconfig, environment) }) };
}

/** The shell has not put its home in place of `~` yet. */
function atHome(path: string, environment: Surroundings['environment']): string {
  const home = environment['HOME'];
  return home !== undefined && path.startsWith('~/') ? `${home}${path.slice(1)}` : path;
}

function contextsFor(around: Surroundings, { kubeconfig }: ClusterFlags): Candidate[] {
  try {
    return around.contexts(kubeconfig === undefined ? {} : { kubeconfig }).map((value) => ({ value }));
  } catch {
    // As below.
    return [];
  }
}

async function fromCluster(around: Surroundings, flags: ClusterFlags, names: (session: Session) => Promise<Candidate[]>): Promise<Candidate[]> {
  try {
    return await withCluster(around, flags, names);
  } catch {
    // In the middle of a line nobody wants to read why there is nothing to offer; the verb itself says it.
    return [];
  }
}
