// A replica of the webhook as a process of its own, ended by SIGTERM as `zonespread webhook` is; what flags do not say (how long
// certificates live) comes in REPLICA, as JSON.

import { runWebhook, type WebhookOptions } from '../../src/admission/webhook.ts';
import { startLog, untilTerminated } from '../../src/cli/process.ts';
import { loadCluster } from '../../src/kubernetes/config.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { webhookOptions } from './webhook-options.ts';

export interface ReplicaSettings extends Pick<WebhookOptions, 'https' | 'target' | 'ownNamespace' | 'controllerUser' | 'rotation'> {
  kubeconfig: string;
}

const { kubeconfig, ...settings } = JSON.parse(process.env['REPLICA'] ?? '') as ReplicaSettings;
const log = startLog('webhook', 'info');
const cluster = loadCluster({ kubeconfig });
const stop = untilTerminated(log, systemClock);
// Whoever started us is gone.
process.stdin.resume().once('end', () => process.exit(1));
const webhook = await runWebhook({ ...webhookOptions(cluster, log), ...settings });
await stop.aborted;
await webhook.close();
await cluster.close();
process.exit(0);
