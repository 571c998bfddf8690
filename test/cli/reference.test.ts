// docs/cli.md is what the code says.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { referenceOf } from '../../src/cli/reference.ts';
import { Desk } from './command-line-of.ts';

const COMMITTED = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

it('docs/cli.md is as the code makes it (npm run docs:cli writes it)', () => {
  expect(COMMITTED).toBe(referenceOf(createProgram(new Desk().surroundings())));
});

/** They run for ever, or take nothing. */
const WITHOUT_EXAMPLES = ['controller', 'webhook', 'wind-down', 'version'];

it('every verb has a description, and examples', () => {
  const verbs = createProgram(new Desk().surroundings()).commands;
  expect(verbs.filter((verb) => verb.description() === '').map((verb) => verb.name())).toEqual([]);
  const sections = new Map(COMMITTED.split(/^## /m).map((section) => [section.split('\n', 1)[0], section]));
  expect(verbs.map((verb) => verb.name()).filter((name) => !/\nExamples:\n {2}# /.test(sections.get(name) ?? ''))).toEqual(WITHOUT_EXAMPLES);
});
