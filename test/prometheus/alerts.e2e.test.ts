// The alerts before Prometheus' own judge: the rules are sound, and each fires when it should and stays silent when it should.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ruleTestsProblems, rulesProblems } from './promtool.ts';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const filesIn = (path: string): string[] => readdirSync(folder(path)).map((name) => `${folder(path)}/${name}`);

it('promtool finds nothing wrong with the rules', async () => {
  expect(await rulesProblems(filesIn('../../charts/zonespread/files/alerts'))).toBe('');
});

it('every alert fires and stays silent as its test says', async () => {
  expect(await ruleTestsProblems(filesIn('alerts'))).toBe('');
});

it('promtool is asked for real: it tells of rules that are none', async () => {
  expect(await rulesProblems([folder('alerts/ZonespreadMigrationFrozen.yaml')])).toContain('FAILED');
});
