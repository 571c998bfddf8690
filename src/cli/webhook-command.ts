// `zonespread webhook`: the admission webhook's flags, and its life from start to SIGTERM.

import type { Command } from 'commander';
import type { WebhookOptions } from '../admission/webhook.ts';
import { createApi } from '../kubernetes/client.ts';
import { loadCluster } from '../kubernetes/config.ts';
import { createMetrics } from '../observability/metrics.ts';
import { systemClock } from '../ports/clock.ts';
import { systemRandom } from '../ports/random.ts';
import { address, boolean, flag, namespaceList, oneOf, type Address } from './flags.ts';
import { ownNamespaceOf, startLog, untilTerminated, VERSION } from './process.ts';

export interface WebhookFlags {
  kubeconfig?: string;
  namespaces?: string[];
  http: Address;
  https: Address;
  certificates: string;
  service: string;
  url?: string;
  register: boolean;
  owner?: string;
  controllerUser?: string;
  leaseNamespace?: string;
  logLevel: string;
}

/** `run`: what is done with the flags. */
export function addWebhookCommand(program: Command, run: (flags: WebhookFlags) => Promise<void> = runWithFlags): void {
  const command = program.command('webhook').description('run the admission webhook that guards what is being moved');
  flag(command, '--kubeconfig <file>', 'kubeconfig; without it $KUBECONFIG, ~/.kube/config, or in-cluster');
  flag(command, '--namespaces <list>', 'namespaces to look after, separated by commas; without it all', { parse: namespaceList });
  flag(command, '--http <address>', 'metrics and probes', { default: { port: 8080 }, shown: ':8080', parse: address });
  flag(command, '--https <address>', 'where the API server calls', { default: { port: 9443 }, shown: ':9443', parse: address });
  flag(command, '--certificates <self|folder>', 'self-made and kept in a Secret, or a folder with tls.crt and tls.key', { default: 'self' });
  flag(command, '--service <name>', 'Service that the API server calls, in our namespace', { default: 'zonespread-webhook' });
  flag(command, '--url <url>', 'URL that the API server calls instead of a Service, e.g. https://127.0.0.1:9443');
  flag(command, '--register [yes]', 'write the webhook configurations', { default: true, parse: boolean });
  flag(command, '--owner <name>', 'ClusterRole that owns the webhook configurations: they go when it goes');
  flag(command, '--controller-user <name>', "the daemon's user name; without it what it wrote on its Lease");
  flag(command, '--lease-namespace <name>', 'namespace of the lease and of the certificate; without it our own, outside a cluster zonespread-system');
  flag(command, '--log-level <level>', 'debug, info, warn or error', { default: 'info', parse: oneOf('debug', 'info', 'warn', 'error') });
  command.action((flags: WebhookFlags) => run(flags));
}

async function runWithFlags(flags: WebhookFlags): Promise<void> {
  // Loaded here: the other verbs are to answer at once.
  const { runWebhook } = await import('../admission/webhook.ts');
  const log = startLog('webhook', flags.logLevel);
  const cluster = loadCluster(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig });
  const stop = untilTerminated(log, systemClock);
  try {
    const webhook = await runWebhook({ ...optionsFrom(flags), api: createApi({ http: cluster.http }), http: cluster.http, clock: systemClock, random: systemRandom, log, metrics: createMetrics({ version: VERSION }) });
    log.info('listening', { reviews: webhook.url, status: webhook.statusUrl });
    void webhook.ready.then(() => {
      if (!stop.signal.aborted) log.info('ready: watching what is in flight, and registered');
    });
    await stop.aborted;
    await webhook.close();
  } finally {
    stop.end();
    await cluster.close();
  }
}

function optionsFrom(flags: WebhookFlags): Omit<WebhookOptions, 'api' | 'http' | 'clock' | 'random' | 'log' | 'metrics'> {
  const ownNamespace = flags.leaseNamespace ?? ownNamespaceOf();
  return {
    https: flags.https,
    status: flags.http,
    certificates: flags.certificates,
    target: flags.url === undefined ? { service: { name: flags.service, namespace: ownNamespace } } : { url: flags.url },
    register: flags.register,
    ownNamespace,
    ...(flags.owner === undefined ? {} : { owner: flags.owner }),
    ...(flags.controllerUser === undefined ? {} : { controllerUser: flags.controllerUser }),
    ...(flags.namespaces === undefined ? {} : { namespaces: flags.namespaces }),
  };
}
