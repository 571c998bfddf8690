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

it('every verb has a description and examples, but those that run for ever and version', () => {
  for (const command of createProgram(new Desk().surroundings()).commands) {
    expect(command.description(), command.name()).not.toBe('');
    if (!['controller', 'webhook', 'version'].includes(command.name())) expect(COMMITTED, command.name()).toMatch(new RegExp(`## ${command.name()}\\n[\\s\\S]*?\\nExamples:\\n {2}# `));
  }
});
