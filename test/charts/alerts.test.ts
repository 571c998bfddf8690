// Alerts, their runbooks and their tests belong together: none without the others. And runbooks speak of what there is.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as names from '../../src/kubernetes/names.ts';
import { keyOf, ANNOTATION_NAMES } from '../../src/policy/annotations.ts';
import { everySeries } from '../observability/every-series.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

interface RuleTests {
  tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

const ROOT = new URL('../../', import.meta.url);
const ALERTS = 'charts/zonespread/files/alerts';
const RUNBOOKS = 'docs/runbooks';
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const filesIn = (path: string): string[] => readdirSync(new URL(path, ROOT)).toSorted();

const rules = filesIn(ALERTS).flatMap((file) => (parse(read(`${ALERTS}/${file}`)) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules));
const alerts = rules.map(({ alert }) => alert).toSorted();

describe('the alerts', () => {
  it('have a runbook each, and the runbooks an alert each', () => {
    expect(filesIn(RUNBOOKS).filter((file) => file !== 'README.md')).toEqual(alerts.map((alert) => `${alert}.md`));
    for (const { alert, annotations } of rules) expect(annotations.runbook_url).toBe(`${RUNBOOKS}/${alert}.md`);
  });

  it('are all on the runbooks’ first page, with their severity', () => {
    const index = read(`${RUNBOOKS}/README.md`);
    for (const { alert, labels } of rules) expect(index).toContain(`| [${alert}](${alert}.md) | ${labels.severity} |`);
  });

  it.each(alerts)('%s has a test in which it fires, and one in which it stays silent', (alert) => {
    const { tests } = parse(read(`test/prometheus/alerts/${alert}.yaml`)) as RuleTests;
    const checks = tests.flatMap((test) => test.alert_rule_test);
    expect(checks.every(({ alertname }) => alertname === alert)).toBe(true);
    expect(checks.some(({ exp_alerts: expected }) => expected.length > 0), 'fires').toBe(true);
    expect(checks.some(({ exp_alerts: expected }) => expected.length === 0), 'stays silent').toBe(true);
  });

  it('have no test that belongs to none', () => {
    expect(filesIn('test/prometheus/alerts')).toEqual(alerts.map((alert) => `${alert}.yaml`));
  });

  it('ask for metrics that we have', async () => {
    const { text } = await everySeries().expose(undefined);
    for (const { alert, expr } of rules) {
      const asked = [...expr.matchAll(/zonespread_\w+/g)].map(([name]) => name);
      expect(asked.length, alert).toBeGreaterThan(0);
      for (const name of asked) expect(text, alert).toMatch(new RegExp(`^${name}[{ ]`, 'm'));
    }
  });
});

const KNOWN_KEYS = new Set<string>([...Object.values(names), ...ANNOTATION_NAMES.map((name) => keyOf(name))]);
/** What people have in any cluster with zonespread in it. */
const KNOWN_KINDS = /^<set>-<ordinal>$|^(?:om|sr|ze|statefulset|pod|pods|pvc|pv|pdb|lease|secret|events|volumeattachments|validatingwebhookconfiguration|mutatingwebhookconfiguration|deployment\/zonespread-(?:controller|webhook)|endpointslices|nodes|job)\b/;
const KNOWN_VERBS = new Set(['get', 'describe', 'annotate', 'logs', 'delete', 'rollout', 'label']);
const REQUESTS = ['abort', 'reverse', 'restore-source', 'release', 'resume'];

describe.each(alerts)('the runbook of %s', (alert) => {
  const page = read(`${RUNBOOKS}/${alert}.md`);

  it('says what the alert means, what it costs, how to find the cause, and what to do', () => {
    expect([...page.matchAll(/^#+ .+$/gm)].map(([heading]) => heading)).toEqual([`# ${alert}`, '## Meaning', '## Impact', '## Diagnosis', '## Mitigation']);
  });

  it('has commands of kubectl on what there is, with keys that we know', () => {
    const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n')).filter((line) => line !== '');
    expect(commands.length, 'commands').toBeGreaterThan(0);
    for (const command of commands) {
      const [program, ...words] = command.split(' ');
      const [verb = '', ...operands] = words.filter((word, index) => !word.startsWith('-') && !/^(?:--namespace|-n|--for|--tail|--since|--selector)$/.test(words[index - 1] ?? ''));
      expect(program, command).toBe('kubectl');
      expect(KNOWN_VERBS.has(verb), command).toBe(true);
      expect(operands.find((word) => !['restart', 'status', 'undo'].includes(word)), command).toMatch(KNOWN_KINDS);
    }
    for (const [key] of page.matchAll(/\bzonespread\.io\/[a-z]+(?:-[a-z]+)*/g)) expect(KNOWN_KEYS.has(key), key).toBe(true);
    for (const [, request = ''] of page.matchAll(/zonespread\.io\/request=([a-z-]+)/g)) expect(REQUESTS).toContain(request);
  });

  it('asks Prometheus for metrics that we have', async () => {
    const { text } = await everySeries().expose(undefined);
    for (const [name] of page.matchAll(/\bzonespread_\w+/g)) expect(text, name).toMatch(new RegExp(`^(?:# TYPE )?${name}[{ ]`, 'm'));
  });
});
