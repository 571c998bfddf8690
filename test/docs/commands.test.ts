// What the documents say to type is what the programs know: scripts, verbs and flags, annotations, kinds, values of the chart. What they
// do is tested where it says so; here no line of theirs may have grown old.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import { describe, expect, it } from 'vitest';
import { createProgram, runProgram } from '../../src/cli/program.ts';
import { readFlags } from '../../src/demo/flags.ts';
import { ANNOTATION_NAMES, ANNOTATIONS, keyOf } from '../../src/policy/annotations.ts';
import { checkAnnotations, parsePolicy } from '../../src/policy/policy.ts';
import type { Holder } from '../../src/policy/problem.ts';
import { Desk } from '../cli/command-line-of.ts';
import { invocationsIn } from './command-lines.ts';
import { commandsIn, documents, ROOT, tracked, type Block } from './markdown.ts';

const all = documents();
const SCRIPTS = (JSON.parse(text('package.json')) as { scripts: Record<string, string> }).scripts;

interface Typed {
  /** `docs/policy.md:40`. */
  where: string;
  words: string[];
}

const typed: Typed[] = blocksIn('sh').flatMap(({ name, block }) => commandsIn(block).flatMap(({ text: line, line: at }) => invocationsIn(filledIn(line)).map((words) => ({ where: `${name}:${at}`, words }))));

/** Whatever stands for something. */
function filledIn(line: string): string {
  let zones = 0;
  return line.replaceAll('<zone>', () => `zone-${(zones += 1)}`).replaceAll(/<[^<>]+>/g, 'x').replaceAll('…', 'x');
}

function blocksIn(language: string): { name: string; block: Block }[] {
  return all.flatMap(({ name, blocks }) => blocks.filter((block) => block.language === language).map((block) => ({ name, block })));
}

function text(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

/** Of lines that begin so: what is wrong with each. */
async function wrongAmong(begins: (words: string[]) => boolean, wrong: (words: string[]) => string | undefined | Promise<string | undefined>): Promise<{ looked: number; wrong: string[] }> {
  const own = typed.filter(({ words }) => begins(words));
  const found = await Promise.all(own.map(async ({ where, words }) => ({ where, words, problem: await wrong(words) })));
  return { looked: own.length, wrong: found.flatMap(({ where, words, problem }) => (problem === undefined ? [] : [`${where}: ${words.join(' ')}: ${problem}`])) };
}

describe('a command in a document', () => {
  it('is of a program that a reader has, or has just been given', () => {
    const known = new Set(['npm', 'npx', 'node', 'bash', 'kubectl', 'helm', 'zonespread', 'export', 'docker', 'kind', 'openssl', 'printf']);
    expect(typed.filter(({ words }) => !known.has(words[0] ?? '')).map(({ where, words }) => `${where}: ${words.join(' ')}`)).toEqual([]);
    expect(typed.length).toBeGreaterThan(150);
  });

  it('is a script of package.json', async () => {
    const { looked, wrong } = await wrongAmong(([program]) => program === 'npm', (words) => scriptProblem(words));
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(10);
  });

  it('is a verb of the command line, with flags that it has', async () => {
    const { looked, wrong } = await wrongAmong((words) => zonespreadIn(words) !== undefined, (words) => verbProblem(zonespreadIn(words) ?? []));
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(10);
  });

  it('is a demo that there is', async () => {
    const named = [...text('README.md').matchAll(/^\| (`--[^|]*) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, flags = '']) => flags.split(' ')));
    expect(named.length).toBeGreaterThan(5);
    for (const flags of named) expect(demoProblem(flags), flags.join(' ')).toBe('');
  });

  it('annotates with keys and values that zonespread takes', async () => {
    const { looked, wrong } = await wrongAmong(([program, verb]) => program === 'kubectl' && verb === 'annotate', (words) => annotateProblem(words));
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(30);
  });

  it('names kinds that there are', async () => {
    const { looked, wrong } = await wrongAmong(([program, verb = '']) => program === 'kubectl' && KIND_VERBS.has(verb), (words) => kindProblem(words));
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(50);
  });

  it('sets values that the chart has', async () => {
    const { looked, wrong } = await wrongAmong(([program]) => program === 'helm', (words) => valueProblem(words));
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(5);
  });
});

describe('a value of the chart that a document names', () => {
  it('is one', () => {
    const top = Object.keys(SCHEMA.properties ?? {}).join('|');
    const named = all.flatMap(({ name }) => [...text(name).matchAll(new RegExp(`\`((?:${top})\\.(?!k8s)[a-zA-Z][\\w.]*)`, 'g'))].map(([, path = '']) => ({ name, path })));
    expect(named.filter(({ path }) => !isValue(path)).map(({ name, path }) => `${name}: ${path}`)).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });
});

describe('a manifest in a document', () => {
  const manifests = blocksIn('yaml').map(({ name, block }) => ({ where: `${name}:${block.line}`, object: parseYaml(block.lines.join('\n')) as { kind?: string; metadata?: { annotations?: Record<string, string> } } | null }));

  it('has annotations that zonespread takes', () => {
    const wrong = manifests.flatMap(({ where, object }) => {
      const { problems, warnings } = checkAnnotations({ on: object?.kind === 'Namespace' ? 'Namespace' : 'StatefulSet', annotations: object?.metadata?.annotations, podManagementPolicy: 'Parallel' });
      return [...problems.map(({ message }) => message), ...warnings].map((problem) => `${where}: ${problem}`);
    });
    expect(wrong).toEqual([]);
  });

  it('is of a kind of ours, or of one that everybody knows', () => {
    const kinds = new Set(['StatefulSet', ...CUSTOM.map(({ spec }) => spec.names.kind)]);
    expect(manifests.filter(({ object }) => object?.kind !== undefined && !kinds.has(object.kind)).map(({ where }) => where)).toEqual([]);
    expect(manifests.filter(({ object }) => object?.kind !== undefined).length).toBeGreaterThan(2);
  });
});

describe('the table of docs/policy.md', () => {
  const rows = new Map([...text('docs/policy.md').matchAll(/^\| `zonespread\.io\/([\w-]+)` \| (.*) \| (.*) \|$/gm)].map(([, name = '', allowed = '', standard = '']) => [name, { allowed: allowed.replaceAll('\\<', '<'), standard }]));

  it('has every annotation, in the order of the code', () => {
    expect([...rows.keys()]).toEqual(ANNOTATION_NAMES);
  });

  it.each(ANNOTATION_NAMES)('says of %s what is allowed, where, and what holds without it', (name) => {
    const { allowed = '', standard = '' } = rows.get(name) ?? {};
    const { setOnly = false } = ANNOTATIONS[name] as { setOnly?: boolean };
    expect(allowed).toBe(`${ANNOTATIONS[name].allowed}${setOnly ? '. Not on a Namespace' : ''}`);
    const value = /^`([^`]*)`/.exec(standard)?.[1];
    const bare = { 'zonespread.io/zones': 'a,b' };
    expect(value === undefined || name === 'zones' ? bare : { ...bare, [keyOf(name)]: value }).toSatisfy((setAnnotations: Record<string, string>) => JSON.stringify(parsePolicy({ setAnnotations })) === JSON.stringify(parsePolicy({ setAnnotations: bare })));
  });

  it('is followed by an example of each that does something', () => {
    const examples = text('docs/policy.md');
    expect(ANNOTATION_NAMES.filter((name) => !['approve', 'strategy', 'place-new'].includes(name) && !examples.includes(`${keyOf(name)}=`) && !examples.includes(`${keyOf(name)}: `))).toEqual([]);
  });
});

/** `npm test`, `npm run --silent x -- …`. */
function scriptProblem([, verb = '', ...rest]: string[]): string | undefined {
  const script = verb === 'run' ? rest.find((word) => !word.startsWith('-')) : verb;
  return script !== undefined && script in SCRIPTS ? undefined : `there is no script ${script ?? ''}`;
}

function zonespreadIn(words: string[]): string[] | undefined {
  const line = words.join('\0');
  const begins = ['zonespread', 'kubectl\0zonespread', 'npm\0run\0--silent\0zonespread\0--'].find((prefix) => line.startsWith(`${prefix}\0`));
  return begins === undefined ? undefined : words.slice(begins.split('\0').length);
}

async function verbProblem(args: string[]): Promise<string | undefined> {
  const desk = new Desk();
  const around = desk.surroundings();
  const program = createProgram(around);
  for (const command of program.commands) withoutAction(command);
  return (await runProgram(program, args, around)) === 0 ? undefined : desk.error;
}

function withoutAction(command: Command): void {
  command.action(() => undefined);
}

function demoProblem(flags: string[]): string {
  let said = '';
  const wish = readFlags(flags, { out: () => undefined, error: (more) => (said += more) });
  return wish.kind === 'said' && wish.exitCode !== 0 ? said || 'refused' : '';
}

const REQUESTS = new Set(['abort', 'reverse', 'restore-source', 'release', 'resume']);
const HOLDERS: Readonly<Record<string, Holder>> = { statefulset: 'StatefulSet', sts: 'StatefulSet', namespace: 'Namespace', ns: 'Namespace' };
/** Of the guard, on whatever is guarded; and of a record. */
const OTHER_KEYS: Readonly<Record<string, (value: string, kind: string) => boolean>> = {
  'zonespread.io/override': (value) => value !== '',
  'zonespread.io/request': (value, kind) => kind === 'om' && REQUESTS.has(value),
};

const PAIR = /^(?<key>[\w.-]+\/[\w-]+?)(?:=(?<value>.*)|-)$/;

function annotateProblem(words: string[]): string | undefined {
  const kind = words[2] ?? '';
  const pairs = words.slice(3).map((word) => PAIR.exec(word)?.groups).filter((groups) => groups !== undefined);
  if (pairs.length === 0) return 'it annotates with nothing';
  return pairs.map(({ key = '', value }) => pairProblem(kind, key, value)).find((problem) => problem !== undefined);
}

/** `value` undefined: the key is taken off. */
function pairProblem(kind: string, key: string, value: string | undefined): string | undefined {
  const other = OTHER_KEYS[key];
  if (other !== undefined) return value === undefined || other(value, kind) ? undefined : `${key} does not take ${value} there`;
  const on = HOLDERS[kind];
  if (on === undefined) return `${key} has no effect on ${kind}`;
  const known = ANNOTATION_NAMES.find((name) => keyOf(name) === key);
  const { problems, warnings } = checkAnnotations({ on, annotations: { [key]: value ?? (known === undefined ? '' : ANNOTATIONS[known].example) }, podManagementPolicy: 'Parallel' });
  return [...problems.map(({ message }) => message), ...(value === undefined ? [] : warnings.filter((warning) => /unknown/.test(warning)))][0] ?? (known === undefined ? `${key} is not known` : undefined);
}

interface Definition {
  metadata: { name: string };
  spec: { names: { kind: string; plural: string; singular: string; shortNames: string[] } };
}

const CUSTOM = tracked('charts/zonespread/crds/*.yaml').map((name) => parseYaml(text(name)) as Definition);
const KIND_VERBS = new Set(['get', 'describe', 'delete', 'annotate', 'label', 'patch', 'wait', 'scale']);
const BUILT_IN = new Set(
  'pod pods pv pvc pdb events statefulset sts deployment namespace ns node nodes secret lease endpointslices volumeattachments priorityclass crd mutatingwebhookconfiguration validatingwebhookconfiguration'.split(' '),
);

/** `get om,sr`, `delete om x`, `describe deployment/x`; what is named by a file has its kind there. */
function kindProblem(words: string[]): string | undefined {
  const named = words.slice(2).find((word) => !word.startsWith('-'));
  if (named === undefined || words.some((word) => /^(?:-f|--filename)/.test(word))) return undefined;
  const own = new Set(CUSTOM.flatMap(({ spec: { names } }) => [names.plural, names.singular, ...names.shortNames]));
  const kinds = (named.split('/')[0] ?? '').split(',');
  return kinds.every((kind) => own.has(kind) || BUILT_IN.has(kind)) ? undefined : `nobody knows the kind ${named}`;
}

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | object;
  $ref?: string;
}

const SCHEMA = JSON.parse(text('charts/zonespread/values.schema.json')) as Schema & { definitions: Record<string, Schema> };

/** `controller.coolDown`. */
function isValue(path: string): boolean {
  let at: Schema | undefined = SCHEMA;
  for (const part of path.replace(/\.$/, '').split('.')) {
    const here: Schema | undefined = at?.$ref === undefined ? at : SCHEMA.definitions[at.$ref.split('/').at(-1) ?? ''];
    if (here?.properties === undefined && here?.additionalProperties !== undefined && here.additionalProperties !== false) return true;
    at = here?.properties?.[part];
    if (at === undefined) return false;
  }
  return true;
}

function valueProblem(words: string[]): string | undefined {
  const given = words.flatMap((word, at) => (words[at - 1] === '--set' ? word.split(',') : []));
  return given.map((one) => one.split('=')[0] ?? '').find((path) => !isValue(path));
}

it('a shell line is taken apart as a shell does it', () => {
  expect(invocationsIn(`A=b kubectl annotate x 'k=a b' "l=\\"c\\"" --n=z > out.yaml && helm test | sh`)).toEqual([['kubectl', 'annotate', 'x', 'k=a b', 'l="c"', '--n=z'], ['helm', 'test'], ['sh']]);
  expect(() => invocationsIn("an 'open quote")).toThrow('not understood');
});
