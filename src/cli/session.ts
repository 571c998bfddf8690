// One verb at work on one cluster: the API as the kubeconfig has it, the namespaces that are meant, and where its words go.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { dumpYaml } from '@kubernetes/client-node';
import type { Api } from '../kubernetes/api.ts';
import { createApi } from '../kubernetes/client.ts';
import type { Http } from '../ports/http.ts';
import { createScreen, type Screen } from './rendering/screen.ts';
import { line, wrap, type Line } from './rendering/text.ts';
import type { Surroundings } from './surroundings.ts';

export const OUTPUTS = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUTS)[number];

export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
  allNamespaces?: boolean;
  output?: OutputFormat;
}

export interface Session {
  readonly around: Surroundings;
  readonly api: Api;
  readonly http: Http;
  readonly server: string;
  /** Of objects that are named without one. */
  readonly namespace: string;
  /** Of lists; undefined with -A: all. */
  readonly scope: string | undefined;
  readonly show: Show;
}

/** Where the words of a verb go. */
export interface Show {
  readonly screen: Screen;
  /** Of the terminal; without bound where nobody looks at it as it is. */
  readonly columns: number;
  /** The lines, or with `-o json|yaml` the document that says the same. */
  answer(lines: readonly Line[], document: object): void;
  /** Sentences, broken between words. */
  tell(text: string): void;
}

/** The writes of people at a terminal, apart from the daemon's in audit logs and managedFields. */
const OURSELVES = 'zonespread-cli';

export async function withCluster<T>(around: Surroundings, flags: ClusterFlags, act: (session: Session) => Promise<T>): Promise<T> {
  const { kubeconfig, context } = flags;
  const connection = around.connect({ ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) });
  const namespace = flags.namespace ?? connection.namespace ?? 'default';
  const show = createShow(around, flags.output);
  try {
    const api = createApi({ http: connection.http, userAgent: OURSELVES, fieldManager: OURSELVES });
    return await act({ around, api, http: connection.http, server: connection.server, namespace, scope: flags.allNamespaces === true ? undefined : namespace, show });
  } finally {
    show.screen.end();
    await connection.close();
  }
}

/** In narrower terminals lines run over. */
const NARROWEST = 40;

export function createShow({ out, environment, clock }: Surroundings, output: OutputFormat = 'table'): Show {
  const screen = createScreen(out, environment, clock);
  const columns = out.isTTY === true ? Math.max(NARROWEST, (out.columns ?? 80) - 1) : Number.POSITIVE_INFINITY;
  return {
    screen,
    columns,
    tell: (text) => screen.say(...wrap(text, columns).map((row) => line(row))),
    answer(lines, document) {
      if (output === 'table') screen.say(...lines);
      else out.write(output === 'json' ? `${JSON.stringify(document, undefined, 2)}\n` : dumpYaml(document, { noRefs: true, lineWidth: -1 }));
    },
  };
}

export function addClusterFlags(command: Command): Command {
  return command
    .addOption(new Option('-n, --namespace <name>', "namespace; without it the kubeconfig context's"))
    .addOption(new Option('--context <name>', "context of the kubeconfig; without it the file's current one"))
    .addOption(new Option('--kubeconfig <file>', 'kubeconfig; without it $KUBECONFIG, ~/.kube/config, or in-cluster').env('ZONESPREAD_KUBECONFIG'));
}

export function addReadFlags(command: Command): Command {
  return addClusterFlags(command).addOption(new Option('-A, --all-namespaces', 'in all namespaces')).addOption(outputFlag());
}

export function outputFlag(): Option {
  return new Option('-o, --output <format>', 'table, json or yaml').choices(OUTPUTS).default('table');
}

/** As kubectl has it: `--dry-run=server` asks the API server, with admission, and stores nothing. */
export function addDryRunFlag(command: Command): Command {
  return command.addOption(new Option('--dry-run [server]', 'ask the API server, webhooks included, and change nothing').argParser(dryRun));
}

function dryRun(text: string): true {
  if (text !== 'server') throw new InvalidArgumentError(`"${text}" is not allowed: server (or the flag alone). What would happen without asking the cluster is what plan -f shows.`);
  return true;
}

/** Examples under the help of a verb: what is typed, and what it does. */
export function addExamples(command: Command, calledAs: string, examples: readonly (readonly [line: string, does: string])[]): Command {
  const lines = examples.map(([typed, does]) => `  # ${does}\n  ${calledAs} ${typed}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n\n')}\n`);
}
