#!/usr/bin/env node
// The one binary: `zonespread <verb>`, and `kubectl zonespread <verb>` when it is on the PATH as kubectl-zonespread.

import { createProgram, runProgram } from './program.ts';

process.exitCode = await runProgram(createProgram(), process.argv.slice(2));
