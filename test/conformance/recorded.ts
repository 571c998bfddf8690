// What was observed when the scenarios were played on a real control plane: what every later play, real or simulated, is held to.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Observation, Scenario } from './scenario.ts';

const FILE = new URL('recorded.json', import.meta.url);

type All = Record<string, Observation>;

function all(): All {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as All) : {};
}

export function recordedNames(): string[] {
  return Object.keys(all());
}

export function recorded({ name }: Scenario): Observation | undefined {
  return all()[name];
}

export function record({ name }: Scenario, observation: Observation): void {
  const known = { ...all(), [name]: observation };
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(Object.entries(known).toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`);
}
