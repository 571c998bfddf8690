#!/usr/bin/env node
// The one binary: `zonespread <verb>`, and `kubectl zonespread <verb>` when it is on the PATH as kubectl-zonespread. As
// kubectl_complete-zonespread it tells kubectl what may come next.

import { basename } from 'node:path';
import { COMPLETE } from './completion/candidates.ts';
import { createProgram, runProgram } from './program.ts';
import { surroundingsOfThisProcess } from './surroundings.ts';

// Whoever reads has read enough (`zonespread status | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const args = process.argv.slice(2);
const isAsked = basename(process.argv[1] ?? '').startsWith('kubectl_complete-');
const around = surroundingsOfThisProcess();
process.exitCode = await runProgram(createProgram(around), isAsked ? [COMPLETE, ...args] : args, around);
