// `npm run docs:cli`: writes docs/cli.md.

import { writeFileSync } from 'node:fs';
import { createProgram } from '../src/cli/program.ts';
import { referenceOf } from '../src/cli/reference.ts';
import { surroundingsOfThisProcess } from '../src/cli/surroundings.ts';

writeFileSync(new URL('../docs/cli.md', import.meta.url), referenceOf(createProgram({ ...surroundingsOfThisProcess(), calledAs: 'zonespread' })));
