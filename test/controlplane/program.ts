// A running program of the control plane: its own process group, its output in a log file, and a pipe as its standard input whose end
// ends it. That pipe is why nothing outlives us, however we end (see endWithStdin in kubernetes/main.go); the process group is why
// Ctrl-C reaches us alone and we can end the programs in their order.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ProgramOptions {
  readonly name: string;
  /** The binary, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Standard output and error are appended here. */
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** False when the program ended by itself. */
  readonly asked: boolean;
}

export interface Program {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly ended: Promise<Ending>;
  /** Undefined while it runs. */
  readonly ending: Ending | undefined;
  /** Sends the signal, SIGTERM unless told, and SIGKILL after `graceMs`; resolves when the process is gone. May be called again. */
  stop(options?: StopOptions): Promise<void>;
}

export interface StopOptions {
  readonly signal?: NodeJS.Signals;
  readonly graceMs?: number;
}

/** How long a program may take to end by itself. The API server waits for requests under way, a second or two. */
const DEFAULT_GRACE_MS = 10_000;

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const [binary, ...args] = options.command;
  const output = openSync(options.logFile, 'a');
  const child = spawn(binary, args, {
    detached: true,
    stdio: ['pipe', output, output],
    env: { ...process.env, ...options.environment, CONTROLPLANE_END_WITH_STDIN: 'true' },
  });
  closeSync(output);

  let asked = false;
  let ending: Ending | undefined;
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  child.once('exit', (code, signal) => {
    ending = { code, signal, asked };
    end(ending);
  });
  // Nothing is ever written to the pipe; it only breaks, together with the program.
  child.stdin?.on('error', () => undefined);
  await spawned(child, options.name);

  return {
    name: options.name,
    pid: child.pid ?? 0,
    logFile: options.logFile,
    ended,
    get ending() {
      return ending;
    },
    async stop({ signal = 'SIGTERM', graceMs = DEFAULT_GRACE_MS } = {}) {
      if (ending) return;
      asked = true;
      child.kill(signal);
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

function spawned(child: ReturnType<typeof spawn>, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new Error(`${name} does not start: ${cause.message}.`, { cause }));
    });
  });
}

/** What a person needs to see of a program that failed: how it ended and the last lines it wrote. */
export function obituary(program: Program, lines = 15): string {
  const how = program.ending
    ? `ended with ${program.ending.signal ? `signal ${program.ending.signal}` : `exit code ${program.ending.code}`}`
    : 'is still running';
  return `${program.name} ${how}; the end of its log ${program.logFile}:\n${logTail(program.logFile, lines)}`;
}

export function logTail(logFile: string, lines: number): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
