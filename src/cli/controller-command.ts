// `zonespread controller`: the daemon's flags, and its life from start to SIGTERM.

import type { Command } from 'commander';
import type { ControllerSettings } from '../controller/daemon.ts';
import { loadCluster } from '../kubernetes/config.ts';
import { LeaseLost } from '../kubernetes/leader-election.ts';
import { createMetrics } from '../observability/metrics.ts';
import { createPrometheus } from '../observability/prometheus.ts';
import { systemClock } from '../ports/clock.ts';
import { systemRandom } from '../ports/random.ts';
import { cronSchedule } from '../ports/schedule.ts';
import { alicloudBackend } from './backend.ts';
import { address, boolean, cron, duration, flag, httpUrl, namespaceList, oneOf, positiveDuration, positiveInteger, wholeNumber, type Address } from './flags.ts';
import { ownNamespaceOf, startLog, untilTerminated, VERSION } from './process.ts';
import { regionOfThisMachine } from './region.ts';

export interface ControllerFlags {
  kubeconfig?: string;
  disks: string;
  region?: string;
  ecsEndpoint?: string;
  ecsProtocol?: 'HTTP' | 'HTTPS';
  sweep: string;
  maxMigrations: number;
  maxMigrationsPerHour?: number;
  maxMigrationsPerZone?: number;
  coolDown: number;
  stepTimeout: number;
  namespaces?: string[];
  http: Address;
  prometheus?: string;
  reserve: boolean;
  prepull: boolean;
  pauseImage: string;
  awaitAutoscaler?: number;
  leaderElect: boolean;
  leaseNamespace?: string;
  leaseDuration: number;
  renewDeadline: number;
  retryPeriod: number;
  dryRun: boolean;
  logLevel: string;
}

/** Where it cannot be pulled from, its pods hold their node all the same. */
const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10';

/** `run`: what is done with the flags. */
export function addControllerCommand(program: Command, run: (flags: ControllerFlags) => Promise<void> = runWithFlags): void {
  const command = program.command('controller').description('run the daemon that keeps every annotated StatefulSet where it belongs');
  flag(command, '--kubeconfig <file>', 'kubeconfig; without it $KUBECONFIG, ~/.kube/config, or in-cluster');
  flag(command, '--disks <backend>', 'disk backend', { default: 'alicloud', parse: oneOf('alicloud') });
  flag(command, '--region <id>', 'region; without it from the ECS metadata service');
  flag(command, '--ecs-endpoint <host>', 'ECS endpoint, e.g. ecs-vpc.cn-beijing.aliyuncs.com; without it by region');
  flag(command, '--ecs-protocol <protocol>', 'HTTPS or HTTP', { parse: oneOf('HTTPS', 'HTTP') });
  flag(command, '--sweep <cron>', 'when every set is looked at, UTC; five fields, or six with seconds', { default: '*/5 * * * *', parse: cron });
  flag(command, '--max-migrations <n>', 'moves at once in the whole cluster; 0: what is under way ends, nothing more begins', { default: 2, parse: wholeNumber });
  flag(command, '--max-migrations-per-hour <n>', 'moves begun within an hour', { parse: positiveInteger });
  flag(command, '--max-migrations-per-zone <n>', 'moves at once between a pair of zones', { parse: positiveInteger });
  flag(command, '--cool-down <duration>', 'how long an ordinal that has moved stays', { default: 3_600_000, shown: '1h', parse: duration });
  flag(command, '--step-timeout <duration>', 'how long a step may take before it is undone', { default: 600_000, shown: '10m', parse: positiveDuration });
  flag(command, '--namespaces <list>', 'namespaces to look after, separated by commas; without it all', { parse: namespaceList });
  flag(command, '--http <address>', 'metrics, probes and the status page', { default: { port: 8080 }, shown: ':8080', parse: address });
  flag(command, '--prometheus <url>', 'Prometheus that answers zonespread.io/health-query, e.g. http://prometheus.monitoring:9090', { parse: httpUrl });
  flag(command, '--reserve [yes]', 'hold the landing node by a placeholder pod before anything is touched', { default: true, parse: boolean });
  flag(command, '--prepull [yes]', "pull the workload's images on the landing node first", { default: false, parse: boolean });
  flag(command, '--pause-image <image>', 'what placeholder pods run', { default: PAUSE_IMAGE });
  flag(command, '--await-autoscaler <duration>', 'how long a reservation may wait for the cluster autoscaler to make a node, e.g. 15m; without it zones without room are not used', { parse: positiveDuration });
  flag(command, '--leader-elect [yes]', 'wait for the lease; false only where nobody else can run', { default: true, parse: boolean });
  flag(command, '--lease-namespace <name>', 'namespace of the lease; without it our own, outside a cluster zonespread-system');
  flag(command, '--lease-duration <duration>', 'how long a silent leader keeps the lease', { default: 15_000, shown: '15s', parse: duration });
  flag(command, '--renew-deadline <duration>', 'how long a leader tries to renew before it gives up', { default: 10_000, shown: '10s', parse: duration });
  flag(command, '--retry-period <duration>', 'between two tries', { default: 2_000, shown: '2s', parse: duration });
  flag(command, '--dry-run [yes]', 'plan and report; write nothing else', { default: false, parse: boolean });
  flag(command, '--log-level <level>', 'debug, info, warn or error', { default: 'info', parse: oneOf('debug', 'info', 'warn', 'error') });
  command.action((flags: ControllerFlags) => run(flags));
}

async function runWithFlags(flags: ControllerFlags): Promise<void> {
  refuseContradictions(flags);
  // Loaded here: the other verbs are to answer at once.
  const [{ runController }, { createStatusPage }] = await Promise.all([import('../controller/daemon.ts'), import('../page/status-page.ts')]);
  const log = startLog('controller', flags.logLevel);
  const metrics = createMetrics({ version: VERSION });
  const cluster = loadCluster(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig });
  const region = flags.region ?? (await regionOfThisMachine(systemClock));
  const stop = untilTerminated(log, systemClock);
  try {
    await runController({
      http: cluster.http,
      disks: alicloudBackend({ region, endpoint: flags.ecsEndpoint, protocol: flags.ecsProtocol, clock: systemClock, metrics }),
      clock: systemClock,
      random: systemRandom,
      schedule: cronSchedule(log),
      log,
      metrics,
      prometheus: flags.prometheus === undefined ? undefined : createPrometheus(flags.prometheus),
      page: (outlook) => createStatusPage({ outlook, clock: systemClock, log }),
      signal: stop.signal,
      settings: settingsOf(flags),
    });
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    // Somebody else may lead by now: nothing of this process must go on, not even for a moment.
    log.error('the lease is lost; this process ends and writes nothing more', { error });
    process.exit(1);
  } finally {
    stop.end();
    await cluster.close();
  }
}

/** What the flags say of the daemon itself; the rest is about its surroundings. */
export function settingsOf(flags: ControllerFlags): ControllerSettings {
  return {
    leaseNamespace: flags.leaseNamespace ?? ownNamespaceOf(),
    leaderElect: flags.leaderElect,
    leaseTiming: { leaseDurationMs: flags.leaseDuration, renewDeadlineMs: flags.renewDeadline, retryPeriodMs: flags.retryPeriod },
    sweep: flags.sweep,
    budgets: { atOnce: flags.maxMigrations, perHour: flags.maxMigrationsPerHour, perZonePair: flags.maxMigrationsPerZone },
    coolDownMs: flags.coolDown,
    stepTimeoutMs: flags.stepTimeout,
    reserving: { on: flags.reserve, image: flags.pauseImage, prepull: flags.prepull, awaitAutoscalerMs: flags.awaitAutoscaler },
    namespaces: flags.namespaces,
    http: flags.http,
    dryRun: flags.dryRun,
  };
}

function refuseContradictions({ reserve, prepull, awaitAutoscaler }: ControllerFlags): void {
  if (reserve) return;
  if (prepull) throw new Error('--prepull pulls images through the placeholder pod, and --reserve=false makes none; leave one of the two out');
  if (awaitAutoscaler !== undefined) throw new Error('--await-autoscaler waits for the node of a placeholder pod, and --reserve=false makes none; leave one of the two out');
}
