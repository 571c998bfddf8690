// How people name what they mean: sets as kubectl takes them (`web`, `statefulset/web`), moves by their record or by `set/ordinal`.

import type { Api } from '../kubernetes/api.ts';
import { apiVersionOf, kruiseStatefulSets, statefulSets, type StatefulSet } from '../kubernetes/objects.ts';
import { ended, ordinalMigrations, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import { fewOf } from '../planner/few.ts';
import { failed, wrongUsage } from './exit.ts';

const SET_KINDS = new Set(['statefulset', 'statefulsets', 'statefulset.apps', 'statefulsets.apps', 'sts', 'statefulset.apps.kruise.io', 'statefulsets.apps.kruise.io', 'asts']);
const MIGRATION_KINDS = new Set(['ordinalmigration', 'ordinalmigrations', 'ordinalmigration.zonespread.io', 'ordinalmigrations.zonespread.io', 'om']);

const MOST_NAMED = 8;

/** `statefulset/web` → `web`. @throws VerbEnded (wrong usage) for another kind. */
export function setNameFrom(text: string): string {
  const slash = text.indexOf('/');
  if (slash === -1) return text;
  const [kind, name] = [text.slice(0, slash).toLowerCase(), text.slice(slash + 1)];
  if (!SET_KINDS.has(kind) || name === '') throw wrongUsage(`"${text}" is no StatefulSet. Allowed: its name, or statefulset/<name>`);
  return name;
}

/** `statefulset/web` is a set, `web/2` a move. */
export function isSetName(text: string): boolean {
  const [kind = '', name, ...more] = text.split('/');
  return SET_KINDS.has(kind.toLowerCase()) && name !== undefined && more.length === 0;
}

/** @throws VerbEnded (failed) when there is none, with those that there are. */
export async function findSet(api: Api, namespace: string, text: string): Promise<StatefulSet> {
  const name = setNameFrom(text);
  const found = (await api.get(statefulSets, { namespace, name })) ?? (await findKruiseSet(api, namespace, name));
  if (found !== undefined) return found;
  const others = (await listSets(api, namespace)).map(({ metadata }) => metadata.name);
  throw failed(`there is no StatefulSet ${name} in namespace ${namespace}${others.length === 0 ? '; it has none at all: name another with -n' : `; there are ${fewOf(others, MOST_NAMED)}`}`);
}

/** Where OpenKruise is not installed, the server knows no such kind. */
function findKruiseSet(api: Api, namespace: string, name: string): Promise<StatefulSet | undefined> {
  return api.get(kruiseStatefulSets, { namespace, name });
}

/** Kubernetes' own and OpenKruise's. @param scope undefined: all namespaces */
export async function listSets(api: Api, scope: string | undefined): Promise<StatefulSet[]> {
  const within = scope === undefined ? {} : { namespace: scope };
  const served = (await api.discover(apiVersionOf(kruiseStatefulSets))) ?? [];
  const own = await api.list(statefulSets, within);
  return served.includes(kruiseStatefulSets.plural) ? [...own, ...(await api.list(kruiseStatefulSets, within))] : own;
}

/** A record by its name, or the move of `set/ordinal` that has not ended. @throws VerbEnded (failed) when there is none. */
export async function findMigration(api: Api, namespace: string, text: string): Promise<OrdinalMigration> {
  const named = migrationNameFrom(text);
  return named.kind === 'ordinal' ? moveOf(api, namespace, named) : recordNamed(api, namespace, named.name);
}

type Named = { kind: 'record'; name: string } | { kind: 'ordinal'; set: string; ordinal: number };

export function migrationNameFrom(text: string): Named {
  const parts = text.split('/');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) return { kind: 'record', name: text };
  if (parts.length === 2 && MIGRATION_KINDS.has(first.toLowerCase()) && second !== '') return { kind: 'record', name: second };
  const ordinal = parts.at(-1) ?? '';
  const set = setNameFrom(parts.slice(0, -1).join('/'));
  if (!/^\d+$/.test(ordinal) || set === '') throw wrongUsage(`"${text}" is no move. Allowed: the name of an OrdinalMigration, or <set>/<ordinal>, e.g. web/2`);
  return { kind: 'ordinal', set, ordinal: Number(ordinal) };
}

async function recordNamed(api: Api, namespace: string, name: string): Promise<OrdinalMigration> {
  const found = await api.get(ordinalMigrations, { namespace, name });
  if (found !== undefined) return found;
  const open = (await api.list(ordinalMigrations, { namespace })).filter((record) => !ended(record)).map(({ metadata }) => metadata.name);
  throw failed(`there is no OrdinalMigration ${name} in namespace ${namespace}; ${open.length === 0 ? 'none is under way there' : `under way there: ${fewOf(open, MOST_NAMED)}`}`);
}

async function moveOf(api: Api, namespace: string, { set, ordinal }: { set: string; ordinal: number }): Promise<OrdinalMigration> {
  const own = (await api.list(ordinalMigrations, { namespace })).filter(({ spec }) => spec.statefulSetRef.name === set && spec.ordinal === ordinal);
  const open = own.filter((record) => !ended(record));
  // Of a move and the one that takes it back, a person means the one that goes on.
  const found = open.find((record) => phaseOf(record) !== 'Pending' && record.spec.reason === 'Reverse') ?? open.find((record) => phaseOf(record) !== 'Pending') ?? open[0];
  if (found !== undefined) return found;
  const last = own.toSorted((a, b) => ((a.status?.finishedAt ?? '') < (b.status?.finishedAt ?? '') ? 1 : -1))[0];
  throw failed(`no move of ${set}-${ordinal} is under way in namespace ${namespace}${last === undefined ? '' : `; the last one, ${last.metadata.name}, is ${phaseOf(last)}`}`);
}
