// The Health dashboard: whether zonespread itself is well: who leads, the webhook and its certificate, the cloud, the work of the controller.

import type { Dashboard } from './grafana.ts';

const RATE = '$__rate_interval';

export const HEALTH: Dashboard = {
  uid: 'zonespread-health',
  title: 'zonespread / Health',
  description: 'zonespread itself: leader, sweeps and reconciles, admission latency and decisions, certificates, the cloud’s API.',
  variables: [],
  panels: [
    'Now',
    { kind: 'stat', title: 'Leader', width: 5, unit: 'short', named: true, nothing: 'nobody leads', description: 'The replica of the controller that leads.', queries: [{ legend: '{{pod}}', expr: 'max by (pod) (zonespread_leader) == 1' }] },
    { kind: 'stat', title: 'Controllers', width: 3, unit: 'short', nothing: '0', description: 'Replicas that are scraped; one leads, the others wait.', queries: [{ expr: 'count(max by (pod) (zonespread_leader))' }] },
    { kind: 'stat', title: 'Webhooks', width: 3, unit: 'short', nothing: '0', description: 'Replicas of the webhook that are scraped.', queries: [{ expr: 'count(max by (pod) (zonespread_webhook_certificate_expiry_timestamp_seconds))' }] },
    { kind: 'stat', title: 'Since the last sweep', width: 4, unit: 's', decimals: 0, nothing: 'none', thresholds: [[600, 'yellow'], [1200, 'red']], description: 'Since a sweep over all sets last succeeded in all its parts. By default there is one every five minutes.', queries: [{ expr: 'time() - max(zonespread_sweep_last_success_timestamp_seconds)' }] },
    { kind: 'stat', title: 'Certificate expires in', width: 4, unit: 's', nothing: 'none', description: 'The certificate of the webhook that expires first. Self-made ones are renewed thirty days before; an alert fires at fourteen.', queries: [{ expr: 'min(zonespread_webhook_certificate_expiry_timestamp_seconds) - time()' }] },
    { kind: 'stat', title: 'Calls to the cloud that fail', width: 5, unit: 'percentunit', decimals: 1, nothing: 'none', thresholds: [[0.05, 'yellow'], [0.5, 'red']], description: 'Share of the calls of the time shown that came back with another code than OK.', queries: [{ expr: '(sum(increase(zonespread_disk_api_requests_total{code!="OK"}[$__range])) or vector(0)) / sum(increase(zonespread_disk_api_requests_total[$__range]))' }] },

    'Admission',
    { kind: 'stacked', title: 'Reviews by decision', width: 12, unit: 'reqps', colours: { allow: 'blue', patch: 'green', deny: 'orange', override: 'purple', error: 'red' }, description: 'What the webhook answers: allow, patch (gates and steers), deny, override (a person passed the guard), error (a rule threw).', queries: [{ legend: '{{decision}}', expr: `sum by (decision) (rate(zonespread_admission_reviews_total[${RATE}]))` }] },
    {
      kind: 'lines',
      title: 'Latency of reviews',
      width: 12,
      unit: 's',
      description: 'By the webhook’s own clock. The API server waits two seconds, network included.',
      queries: [
        { legend: 'half', expr: `histogram_quantile(0.5, sum by (le) (rate(zonespread_admission_review_duration_seconds_bucket[${RATE}])))` },
        { legend: '99 in 100', expr: `histogram_quantile(0.99, sum by (le) (rate(zonespread_admission_review_duration_seconds_bucket[${RATE}])))` },
      ],
    },
    { kind: 'bars', title: 'Refused, overridden and failed, by rule', width: 12, unit: 'short', interval: '10m', description: 'Somebody tried to change what is in flight (deny), insisted (override), or a rule threw (error). The webhook’s log has who and what.', queries: [{ legend: '{{decision}} {{kind}} {{operation}} ({{rule}})', expr: 'sum by (decision, kind, operation, rule) (increase(zonespread_admission_reviews_total{decision=~"deny|override|error"}[$__interval])) > 0' }] },
    { kind: 'lines', title: 'Certificates', width: 12, unit: 's', description: 'How long the certificate that each replica serves is still good for.', queries: [{ legend: '{{pod}}', expr: 'max by (pod) (zonespread_webhook_certificate_expiry_timestamp_seconds) - time()' }] },

    'The cloud’s API',
    { kind: 'stacked', title: 'Calls by action', width: 12, unit: 'reqps', description: 'Calls to the cloud. Mostly looks; a move makes a few dozen.', queries: [{ legend: '{{action}}', expr: `sum by (action) (rate(zonespread_disk_api_requests_total[${RATE}])) > 0` }] },
    { kind: 'stacked', title: 'Failures by code', width: 12, unit: 'reqps', description: 'Calls that came back with another code than OK. The runbook of ZonespreadCloudFailing says what codes mean.', queries: [{ legend: '{{action}} {{code}}', expr: `sum by (action, code) (rate(zonespread_disk_api_requests_total{code!="OK"}[${RATE}])) > 0` }] },
    { kind: 'lines', title: 'Latency by action, nine in ten', width: 12, unit: 's', description: 'Nine of ten calls took no longer.', queries: [{ legend: '{{action}}', expr: `histogram_quantile(0.9, sum by (action, le) (rate(zonespread_disk_api_request_duration_seconds_bucket[${RATE}]))) >= 0` }] },
    { kind: 'bar gauge', title: 'Calls in the time shown', width: 12, unit: 'short', decimals: 0, description: 'How often each action was called: for whoever shares the account’s quota.', queries: [{ legend: '{{action}}', expr: 'sort_desc(sum by (action) (increase(zonespread_disk_api_requests_total[$__range])))' }] },

    'The controller',
    { kind: 'states', title: 'Who leads', width: 12, unit: 'short', description: 'Which replica leads. A gap, or two at once, is trouble.', words: { '0': { text: 'waits', color: 'super-light-blue' }, '1': { text: 'leads', color: 'green' } }, queries: [{ legend: '{{pod}}', expr: 'max by (pod) (zonespread_leader)' }] },
    { kind: 'lines', title: 'Since the last sweep', width: 12, height: 6, unit: 's', description: 'A saw whose teeth are as long as --sweep says. Longer ones: sweeps fail.', queries: [{ legend: 'since the last sweep', expr: 'time() - max(zonespread_sweep_last_success_timestamp_seconds)' }] },
    { kind: 'lines', title: 'Looks at sets', width: 12, unit: 'ops', description: 'How often the controller looks at a set. It grows with changes in the cluster, and with moves.', queries: [{ legend: 'looks', expr: `sum(rate(zonespread_reconcile_duration_seconds_count[${RATE}]))` }] },
    {
      kind: 'lines',
      title: 'Time of a look',
      width: 12,
      unit: 's',
      description: 'One look at one set, with its live reads when a move may start.',
      queries: [
        { legend: 'half', expr: `histogram_quantile(0.5, sum by (le) (rate(zonespread_reconcile_duration_seconds_bucket[${RATE}])))` },
        { legend: '99 in 100', expr: `histogram_quantile(0.99, sum by (le) (rate(zonespread_reconcile_duration_seconds_bucket[${RATE}])))` },
      ],
    },
    { kind: 'table', title: 'What runs', width: 24, height: 5, unit: 'short', description: 'Version, commit and Node of each process.', columns: {}, order: ['pod', 'version', 'commit', 'node'], queries: [{ legend: 'processes', expr: 'count by (pod, version, commit, node) (zonespread_build_info)' }] },
  ],
};
