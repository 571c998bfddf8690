// The Spread dashboard: every set, where its disks are, where they should be, and what is in the way.

import { OF, type Dashboard } from './grafana.ts';

/** Of whichever replica leads. */
const SET = 'max by (namespace, statefulset)';
const ZONE = 'max by (namespace, statefulset, zone)';

const UNSATISFIED = [[1, 'orange']] as const;

export const SPREAD: Dashboard = {
  uid: 'zonespread-spread',
  title: 'zonespread / Spread',
  description: 'Every StatefulSet that declares zones: where its disks are, where the plan wants them, and what holds them.',
  variables: [
    { name: 'namespace', label: 'Namespace', of: 'zonespread_statefulset_satisfied' },
    { name: 'statefulset', label: 'StatefulSet', of: 'zonespread_statefulset_satisfied{namespace=~"$namespace"}' },
  ],
  panels: [
    'Now',
    { kind: 'stat', title: 'Sets', width: 3, unit: 'short', nothing: '0', description: 'StatefulSets that declare zones.', queries: [{ expr: `count(${SET} (zonespread_statefulset_satisfied{${OF}}))` }] },
    { kind: 'stat', title: 'Not as declared', width: 3, unit: 'short', thresholds: UNSATISFIED, description: 'Sets whose disks are not all where the policy wants them. For a while that is ordinary: it is what moves are for.', queries: [{ expr: `count(${SET} (zonespread_statefulset_satisfied{${OF}}) == 0) or vector(0)` }] },
    { kind: 'stat', title: 'Longest not as declared', width: 4, unit: 's', decimals: 1, nothing: 'none', thresholds: [[3600, 'yellow'], [86_400, 'orange']], description: 'For how long the set that has waited longest has not been as declared. An alert fires after a day, unless the set is paused or waits for its window or approval.', queries: [{ expr: `time() - min(zonespread_statefulset_unsatisfied_since_timestamp_seconds{${OF}})` }] },
    { kind: 'stat', title: 'Skew beyond what is allowed', width: 4, unit: 'short', thresholds: UNSATISFIED, nothing: '0', description: 'The largest, over all sets: how many ordinals too many are in one zone.', queries: [{ expr: `max(clamp_min(${SET} (zonespread_statefulset_skew{${OF}}) - ${SET} (zonespread_statefulset_max_skew{${OF}}), 0))` }] },
    { kind: 'stat', title: 'Moves planned', width: 3, unit: 'short', nothing: '0', description: 'Moves that the plans of all sets still have.', queries: [{ expr: `sum(${SET} (zonespread_statefulset_planned_moves{${OF}}))` }] },
    { kind: 'stat', title: 'Data to move', width: 3, unit: 'bytes', nothing: '0', description: 'The size of the disks in those plans.', queries: [{ expr: `sum(${SET} (zonespread_statefulset_planned_bytes{${OF}}))` }] },
    { kind: 'stat', title: 'Estimated time', width: 4, unit: 's', nothing: '0', description: 'What the plans take, one set after the other; waiting for guards, windows and budgets aside.', queries: [{ expr: `sum(${SET} (zonespread_statefulset_planned_duration_seconds{${OF}}))` }] },

    'Every set',
    {
      kind: 'table',
      title: 'Sets',
      width: 15,
      height: 9,
      unit: 'short',
      description: 'How each set is now. Its name leads to its moves.',
      columns: { satisfied: 'bool_yes_no', skew: 'short', allowed: 'short', moves: 'short', data: 'bytes', estimated: 's', 'not as declared for': 's' },
      order: ['namespace', 'statefulset', 'satisfied', 'skew', 'allowed', 'moves', 'data', 'estimated', 'not as declared for'],
      leadsTo: { uid: 'zonespread-migrations', title: 'Its moves' },
      queries: [
        { legend: 'satisfied', expr: `${SET} (zonespread_statefulset_satisfied{${OF}})` },
        { legend: 'skew', expr: `${SET} (zonespread_statefulset_skew{${OF}})` },
        { legend: 'allowed', expr: `${SET} (zonespread_statefulset_max_skew{${OF}})` },
        { legend: 'moves', expr: `${SET} (zonespread_statefulset_planned_moves{${OF}})` },
        { legend: 'data', expr: `${SET} (zonespread_statefulset_planned_bytes{${OF}})` },
        { legend: 'estimated', expr: `${SET} (zonespread_statefulset_planned_duration_seconds{${OF}})` },
        { legend: 'not as declared for', expr: `time() - ${SET} (zonespread_statefulset_unsatisfied_since_timestamp_seconds{${OF}})` },
      ],
    },
    {
      kind: 'table',
      title: 'Held now, and why',
      width: 9,
      height: 9,
      unit: 'short',
      description: 'Ordinals that should move and may not, by the reason that holds them; what holds a whole set counts as one. docs/planning.md explains each reason, the SpreadReport names what to do.',
      columns: { ordinals: 'short' },
      order: ['namespace', 'statefulset', 'reason', 'ordinals'],
      nothing: 'nothing is held',
      queries: [{ legend: 'ordinals', expr: `max by (namespace, statefulset, reason) (zonespread_statefulset_blocked{${OF}}) > 0` }],
    },
    {
      kind: 'states',
      title: 'As declared',
      width: 12,
      unit: 'short',
      description: 'Green while every disk of the set is where the policy wants it.',
      words: { '0': { text: 'not as declared', color: 'orange' }, '1': { text: 'as declared', color: 'green' } },
      queries: [{ legend: '{{namespace}}/{{statefulset}}', expr: `${SET} (zonespread_statefulset_satisfied{${OF}})` }],
    },
    { kind: 'stacked', title: 'Held, by reason', width: 12, height: 6, unit: 'short', decimals: 0, description: 'What holds moves, over time. Reasons that pass by themselves (CoolDown, BudgetUsedUp, OutsideWindow) come and go; others wait for somebody.', queries: [{ legend: '{{reason}}', expr: `sum by (reason) (max by (namespace, statefulset, reason) (zonespread_statefulset_blocked{${OF}}))` }] },
    { kind: 'lines', title: 'Skew', width: 12, unit: 'short', decimals: 0, description: 'Ordinals in the fullest declared zone minus those in the emptiest, of each set.', queries: [{ legend: '{{namespace}}/{{statefulset}}', expr: `${SET} (zonespread_statefulset_skew{${OF}})` }] },
    { kind: 'lines', title: 'Moves planned', width: 12, unit: 'short', decimals: 0, description: 'What the plan of each set still has. It falls with every move that succeeds.', queries: [{ legend: '{{namespace}}/{{statefulset}}', expr: `${SET} (zonespread_statefulset_planned_moves{${OF}})` }] },

    'By zone',
    {
      kind: 'table',
      title: 'Sets by zone',
      width: 15,
      height: 9,
      unit: 'short',
      description: 'Ordinals with their disks in each zone, and how many the plan wants there. Where both are the same there is nothing to do.',
      columns: { ordinals: 'short', wanted: 'short', 'to come or to go': 'short' },
      order: ['namespace', 'statefulset', 'zone', 'ordinals', 'wanted', 'to come or to go'],
      nothing: 'no set declares zones',
      queries: [
        { legend: 'ordinals', expr: `${ZONE} (zonespread_statefulset_disks{${OF}})` },
        { legend: 'wanted', expr: `${ZONE} (zonespread_statefulset_desired_disks{${OF}})` },
        { legend: 'to come or to go', expr: `${ZONE} (zonespread_statefulset_desired_disks{${OF}}) - ${ZONE} (zonespread_statefulset_disks{${OF}}) != 0` },
      ],
    },
    {
      kind: 'bar gauge',
      title: 'Ordinals by zone, all sets',
      width: 9,
      height: 9,
      unit: 'short',
      description: 'Where the disks of all chosen sets are: what would be down with a zone.',
      queries: [{ legend: '{{zone}}', expr: `sum by (zone) (${ZONE} (zonespread_statefulset_disks{${OF}}))` }],
    },
    {
      kind: 'lines',
      title: '$statefulset: ordinals by zone',
      width: 8,
      unit: 'short',
      decimals: 0,
      repeat: 'statefulset',
      description: 'Ordinals with their disks in each zone; dashed: how many the plan wants there.',
      queries: [
        { legend: '{{namespace}} {{zone}}', expr: `max by (namespace, zone) (zonespread_statefulset_disks{${OF}})` },
        { legend: '{{namespace}} {{zone}}, wanted', dashed: true, expr: `max by (namespace, zone) (zonespread_statefulset_desired_disks{${OF}})` },
      ],
    },
  ],
};
