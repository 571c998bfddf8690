// The answers that a real API server gave to the stories of cases.ts: what the simulated one is held to where there is no real one.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Answer, Seen } from './asker.ts';
import type { Case } from './cases.ts';

export type Agreed = Seen[];

const FILE = new URL('agreed.json', import.meta.url);

function all(): Record<string, Agreed> {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Agreed>) : {};
}

export function recorded({ it }: Case): Agreed | undefined {
  return all()[it];
}

export function record({ it }: Case, answers: Agreed): void {
  writeFileSync(FILE, `${JSON.stringify({ ...all(), [it]: answers }, null, 1)}\n`);
}

export function compared(answers: Answer[]): Agreed {
  return answers.map(({ body: _body, ...seen }) => seen);
}
