// A scene in words, for whoever reads that a scenario failed.

import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigration } from '../../src/migration/record.ts';
import { isGated, isReady } from './reading.ts';
import type { Scene } from './scene.ts';

const LAST_LINES = 40;
/** Stack traces are in the logs; here they would hide the rest. */
const LONGEST_LINE = 500;

export function describeScene(scene: Scene): string {
  const { cloud, kubelets } = scene.world;
  const disks = cloud.disks().filter((disk) => Object.values(disk.tags).includes(scene.namespace));
  const snapshots = cloud.snapshots().filter((snapshot) => disks.some(({ id }) => id === snapshot.sourceDiskId));
  const waiting = kubelets.waiting().filter(({ pod }) => pod.startsWith(`${scene.namespace}/`));
  const report = scene.report()?.status;
  return [
    `namespace ${scene.namespace}`,
    section('migrations', scene.migrations.all().map(migrationLine)),
    section('pods', scene.pods.all().map(podLine)),
    section('kubelets wait', waiting.map(({ node, pod, reason }) => `${node}: ${pod}: ${reason}`)),
    section('claims', scene.claims.all().map(claimLine)),
    section('volumes', scene.volumes.all().map(volumeLine)),
    section('disks', disks.map((disk) => `${disk.id} ${disk.zone} ${disk.status} ${disk.attachments.map(({ instanceId }) => instanceId).join(',')} ${disk.contents.length} writes`)),
    section('snapshots', snapshots.map((snapshot) => `${snapshot.id} of ${snapshot.sourceDiskId} ${snapshot.status} ${snapshot.progress} %`)),
    section('report', report === undefined ? [] : [JSON.stringify({ summary: report.summary, plan: report.plan?.moves, blocked: report.blocked, conditions: report.conditions })]),
    section('events', scene.eventTexts().slice(-LAST_LINES)),
    section('webhook', scene.world.webhook.log.slice(-10)),
    section('daemon', scene.daemonLog.slice(-LAST_LINES)),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return [`── ${title}`, ...lines.map((line) => `   ${line.slice(0, LONGEST_LINE)}`)].join('\n');
}

function migrationLine(record: OrdinalMigration): string {
  const { phase, course, step, reason, message, history = [], attempt } = record.status ?? {};
  const steps = history.map((entry) => `${entry.step}${entry.outcome === undefined || entry.outcome === 'Done' ? '' : `(${entry.outcome})`}`).join(' ');
  return `${record.metadata.name} → ${record.spec.targetZone}: ${phase ?? 'Pending'} ${course ?? ''} ${step ?? ''} ${reason ?? ''} "${message ?? ''}" attempt ${attempt ?? 0}; ${steps}`;
}

function podLine(pod: Pod): string {
  const state = pod.metadata.deletionTimestamp === undefined ? (isReady(pod) ? 'Ready' : (pod.status?.phase ?? '')) : 'Terminating';
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return `${pod.metadata.name} ${state} on ${pod.spec.nodeName ?? 'no node'}${isGated(pod) ? ' gated' : ''} ${pod.metadata.uid ?? ''} ${scheduled?.message ?? ''}`;
}

function claimLine({ metadata, spec, status }: PersistentVolumeClaim): string {
  return `${metadata.name} ${metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating'} ${spec.volumeName ?? 'no volume'} ${metadata.uid ?? ''} ${JSON.stringify(metadata.labels ?? {})}`;
}

function volumeLine({ metadata, spec, status }: PersistentVolume): string {
  return `${metadata.name} ${status?.phase ?? ''} ${spec.persistentVolumeReclaimPolicy ?? ''} ${spec.csi?.volumeHandle ?? ''} → ${spec.claimRef?.name ?? ''} ${spec.claimRef?.uid ?? 'no uid'}`;
}
