// The Migrations dashboard: what is under way and how far, how long things take, how they end, and what they leave behind.

import { OF, type Dashboard } from './grafana.ts';

const MOVE = 'max by (namespace, statefulset, ordinal)';
const LONG = '6h';

export const MIGRATIONS: Dashboard = {
  uid: 'zonespread-migrations',
  title: 'zonespread / Migrations',
  description: 'Moves of ordinals: under way by step, progress, durations, downtime, how they end; retained disks and what they cost.',
  variables: [
    { name: 'namespace', label: 'Namespace', of: 'zonespread_migrations_total' },
    { name: 'statefulset', label: 'StatefulSet', of: 'zonespread_migrations_total{namespace=~"$namespace"}' },
    { name: 'price', label: 'Price of a GiB for a month', text: '1', description: 'What a GiB of a retained disk costs for a month, in your currency: for the panels about cost.' },
  ],
  panels: [
    'Now',
    { kind: 'stat', title: 'Under way', width: 3, unit: 'short', description: 'Moves under way in the whole cluster, frozen ones included.', queries: [{ expr: 'sum(max by (step) (zonespread_migrations_in_flight)) or vector(0)' }] },
    { kind: 'stat', title: 'Frozen', width: 3, unit: 'short', thresholds: [[1, 'red']], description: 'Moves that wait for a person. The runbook of ZonespreadMigrationFrozen says what to do.', queries: [{ expr: `count(${MOVE} (zonespread_migration_frozen{${OF}})) or vector(0)` }] },
    { kind: 'stat', title: 'Longest at one step', width: 4, unit: 's', nothing: 'none', thresholds: [[600, 'yellow'], [1800, 'orange']], description: 'How long the move that has been at its step longest has been there. Snapshots of large disks take long; anything else over half an hour is stuck.', queries: [{ expr: `time() - min(zonespread_migration_step_start_timestamp_seconds{${OF}})` }] },
    { kind: 'stat', title: 'Succeeded', width: 3, unit: 'short', decimals: 0, nothing: '0', description: 'Moves that succeeded in the time shown.', queries: [{ expr: `sum(increase(zonespread_migrations_total{${OF}, outcome="Succeeded"}[$__range]))` }] },
    { kind: 'stat', title: 'Undone or failed', width: 3, unit: 'short', decimals: 0, nothing: '0', thresholds: [[0.5, 'orange']], description: 'Moves that ended otherwise in the time shown: rolled back to the old disk, or given up.', queries: [{ expr: `sum(increase(zonespread_migrations_total{${OF}, outcome!="Succeeded"}[$__range]))` }] },
    { kind: 'stat', title: 'Downtime, nine in ten', width: 4, unit: 's', decimals: 0, nothing: 'none', description: 'Nine of ten pods that moved in the time shown were Ready again on the new disk within this.', queries: [{ expr: 'histogram_quantile(0.9, sum by (le) (increase(zonespread_ordinal_downtime_seconds_bucket[$__range])))' }] },
    { kind: 'stat', title: 'Duration, nine in ten', width: 4, unit: 's', decimals: 0, nothing: 'none', description: 'Nine of ten moves that ended in the time shown took no longer from beginning to end, health duration included.', queries: [{ expr: 'histogram_quantile(0.9, sum by (le) (increase(zonespread_migration_duration_seconds_bucket[$__range])))' }] },

    'Under way',
    {
      kind: 'table',
      title: 'Moves under way',
      width: 15,
      height: 6,
      unit: 'short',
      description: 'Each move under way, the step that it is at, for how long, and how far it has come.',
      columns: { 'at this step for': 's', progress: 'percentunit' },
      order: ['namespace', 'statefulset', 'ordinal', 'phase', 'step', 'at this step for', 'progress'],
      nothing: 'nothing is under way',
      queries: [
        { legend: 'at this step for', expr: `time() - max by (namespace, statefulset, ordinal, phase, step) (zonespread_migration_step_start_timestamp_seconds{${OF}})` },
        { legend: 'progress', expr: `max by (namespace, statefulset, ordinal, phase, step) (zonespread_migration_step_start_timestamp_seconds{${OF}}) * 0 + on (namespace, statefulset, ordinal) group_left () ${MOVE} (zonespread_migration_progress_ratio{${OF}})` },
      ],
    },
    {
      kind: 'table',
      title: 'Frozen, and why',
      width: 9,
      height: 6,
      unit: 'short',
      description: 'Moves that wait for a person, and what froze them. The runbook of ZonespreadMigrationFrozen explains each reason.',
      columns: {},
      order: ['namespace', 'statefulset', 'ordinal', 'reason'],
      nothing: 'nothing is frozen',
      queries: [{ legend: 'frozen', expr: `max by (namespace, statefulset, ordinal, reason) (zonespread_migration_frozen{${OF}})` }],
    },
    { kind: 'stacked', title: 'Under way, by step', width: 12, unit: 'short', decimals: 0, description: 'Moves of the whole cluster at each step, frozen ones included. --max-migrations bounds those that are not frozen.', queries: [{ legend: '{{step}}', expr: 'max by (step) (zonespread_migrations_in_flight)' }] },
    { kind: 'lines', title: 'Progress', width: 12, unit: 'percentunit', max: 1, description: 'How far each move has come. Level for long: look at its step.', queries: [{ legend: '{{namespace}}/{{statefulset}}-{{ordinal}}', expr: `${MOVE} (zonespread_migration_progress_ratio{${OF}})` }] },
    { kind: 'lines', title: 'Time at the present step', width: 12, unit: 's', description: 'For how long each move has been at the step that it is at. It falls with every step.', queries: [{ legend: '{{namespace}}/{{statefulset}}-{{ordinal}}', expr: `time() - ${MOVE} (zonespread_migration_step_start_timestamp_seconds{${OF}})` }] },
    { kind: 'bars', title: 'How moves end', width: 12, unit: 'short', decimals: 0, interval: '10m', colours: { Succeeded: 'green', RolledBack: 'orange', Failed: 'red' }, description: 'Moves that ended, by the phase in which they did. RolledBack: the pod is on its old disk again, as before.', queries: [{ legend: '{{outcome}}', expr: `sum by (outcome) (increase(zonespread_migrations_total{${OF}}[$__interval])) > 0` }] },

    'How long things take (whole cluster)',
    {
      kind: 'lines',
      title: 'Downtime of an ordinal',
      width: 8,
      unit: 's',
      interval: '10m',
      description: `From the eviction of the pod until it was Ready on the new disk: of the moves of the last ${LONG}, half and nine in ten took no longer.`,
      queries: [
        { legend: 'half', expr: `histogram_quantile(0.5, sum by (le) (increase(zonespread_ordinal_downtime_seconds_bucket[${LONG}])))` },
        { legend: 'nine in ten', expr: `histogram_quantile(0.9, sum by (le) (increase(zonespread_ordinal_downtime_seconds_bucket[${LONG}])))` },
      ],
    },
    {
      kind: 'lines',
      title: 'Duration of a move',
      width: 8,
      unit: 's',
      interval: '10m',
      description: `From beginning to end, health duration included: of the moves of the last ${LONG}, half and nine in ten took no longer.`,
      queries: [
        { legend: 'half', expr: `histogram_quantile(0.5, sum by (le) (increase(zonespread_migration_duration_seconds_bucket[${LONG}])))` },
        { legend: 'nine in ten', expr: `histogram_quantile(0.9, sum by (le) (increase(zonespread_migration_duration_seconds_bucket[${LONG}])))` },
      ],
    },
    { kind: 'bar gauge', title: 'Mean time of each step', width: 8, unit: 's', description: 'In the time shown: where the time of a move goes.', queries: [{ legend: '{{step}}', expr: 'sort_desc(sum by (step) (increase(zonespread_migration_step_duration_seconds_sum[$__range])) / (sum by (step) (increase(zonespread_migration_step_duration_seconds_count[$__range])) > 0))' }] },

    'What moves leave behind (whole cluster)',
    { kind: 'stat', title: 'Retained disks', width: 4, unit: 'short', nothing: '0', description: 'Old disks that are kept until their retention has passed.', queries: [{ expr: 'max(zonespread_retained_disks)' }] },
    { kind: 'stat', title: 'Retained size', width: 4, unit: 'bytes', nothing: '0', description: 'The size of the retained disks.', queries: [{ expr: 'max(zonespread_retained_bytes)' }] },
    { kind: 'stat', title: 'Cost, if kept for a month', width: 4, unit: 'short', decimals: 2, nothing: '0', description: 'What the disks retained now would cost in a month, at the price given above.', queries: [{ expr: 'max(zonespread_retained_bytes) / 1024 ^ 3 * $price' }] },
    { kind: 'stat', title: 'Cost in the time shown', width: 4, unit: 'short', decimals: 2, nothing: '0', description: 'What retained disks have cost in the time shown, at the price given above (a month has 730 hours).', queries: [{ expr: 'avg_over_time(max(zonespread_retained_bytes)[$__range:5m]) / 1024 ^ 3 * $price * $__range_s / 3600 / 730' }] },
    { kind: 'stat', title: 'Next one goes in', width: 4, unit: 's', nothing: 'none', description: 'When the retention ends that ends first; below zero: it has ended and the disk is still there, which for hours is an alert.', queries: [{ expr: 'min(zonespread_retained_first_expiry_timestamp_seconds) - time()' }] },
    { kind: 'stat', title: 'Orphaned disks', width: 4, unit: 'short', nothing: '0', thresholds: [[1, 'orange']], description: 'Disks and volumes with this cluster’s marks that no record knows.', queries: [{ expr: 'max(zonespread_orphaned_disks)' }] },
    { kind: 'lines', title: 'Retained size', width: 12, unit: 'bytes', description: 'The size of old disks that are kept.', queries: [{ legend: 'retained', expr: 'max(zonespread_retained_bytes)' }] },
    {
      kind: 'lines',
      title: 'Retained and orphaned disks',
      width: 12,
      unit: 'short',
      decimals: 0,
      description: 'Old disks that are kept for their retention, and disks that no record knows.',
      queries: [
        { legend: 'retained', expr: 'max(zonespread_retained_disks)' },
        { legend: 'orphaned', expr: 'max(zonespread_orphaned_disks)' },
      ],
    },
  ],
};
