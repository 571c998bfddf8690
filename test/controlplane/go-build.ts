// Builds programs from Go modules of ours, once per content: the binaries stay in the user's cache folder under a hash of what they are
// made of, so a second call, from any work tree, takes no time.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, constants, mkdir, readFile, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { withBuildLock } from './build-lock.ts';

export interface Recipe {
  /** Absolute path of the folder that holds the Go module, and no folders; its name is also part of the binary's place in the cache. */
  readonly folder: string;
  readonly binary: string;
  /** The main package to build. */
  readonly target: string;
  /** The module whose version in go.mod is the binary's version; without it a program of our own, which has none. */
  readonly versionedBy?: string;
  /** Linker flags that tell the binary its version. */
  readonly versionFlags?: (version: string) => string;
  /** Build tags. */
  readonly tags?: readonly string[];
  /** Other names for the binary, beside it. */
  readonly links?: readonly string[];
}

export interface Builds {
  /** What needs Go, for the error of a machine without it: "The real control plane". */
  readonly purpose: string;
  /** A folder of this name in the user's cache folder holds the binaries. */
  readonly cache: string;
  readonly signal?: AbortSignal | undefined;
}

const NEEDED_GO = { major: 1, minor: 26 };
const PROGRESS_EVERY_MS = 20_000;
/** Binaries that nobody has asked for in this time are from an older version of the modules and are removed by the next build. */
const UNUSED_AFTER_MS = 30 * 86_400_000;

/**
 * Builds what is not there yet; several processes may ask at once, one of them builds. Minutes when nothing is cached, milliseconds
 * afterwards. Resolves with the paths of the binaries in the order of the recipes. Throws an Error for people when Go is missing or too
 * old, or when a build fails; the signal's reason when it ends the build.
 */
export async function buildOnce(recipes: readonly Recipe[], { purpose, cache, signal }: Builds): Promise<string[]> {
  const go = await goVersion();
  requireGo(go, purpose);
  const built: string[] = [];
  // One after the other: each build fills the machine, and the later ones reuse what the first has compiled.
  for (const recipe of recipes) built.push(await build(recipe, { go, cache: cacheFolder(cache), signal }));
  return built;
}

/**
 * The folder with the source of a module that the Go module in `folder` requires. It is in Go's own cache since the build; where that has
 * been emptied Go fetches it again. `purpose` as in Builds. Throws an Error for people when Go is missing or too old, or cannot fetch it.
 */
export async function moduleSource(module: string, { folder, purpose }: { folder: string; purpose: string }): Promise<string> {
  requireGo(await goVersion(), purpose);
  try {
    const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module], { cwd: folder, env: goEnvironment() });
    return (JSON.parse(stdout) as { Dir: string }).Dir;
  } catch (cause) {
    // Go says what went wrong in the JSON that it prints.
    const { stdout = '', message } = cause as Error & { stdout?: string };
    throw new Error(`${purpose} needs the source of ${module}, and \`go mod download\` in ${folder} cannot get it: ${stdout.trim() || message}`, { cause });
  }
}

async function build(recipe: Recipe, { go, cache, signal }: { go: string; cache: string; signal: AbortSignal | undefined }): Promise<string> {
  const folder = join(cache, `${basename(recipe.folder)}-${await contentHash(recipe, go)}`);
  const binary = join(folder, recipe.binary);
  if (await isThere(binary)) {
    await markUsed(folder);
    return binary;
  }
  await mkdir(cache, { recursive: true });
  const work = async (): Promise<void> => {
    if (!(await isThere(binary))) await buildInto(folder, recipe, signal);
  };
  await withBuildLock(`${folder}.lock`, work, signal);
  await removeUnused(cache);
  return binary;
}

function cacheFolder(name: string): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base ? base : join(homedir(), '.cache'), 'zonespread', name);
}

/** "go1.26.8"; undefined without Go. GOTOOLCHAIN=local, so that an older Go says what it is instead of fetching a newer one. */
async function goVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION'], { env: goEnvironment() });
    return stdout.trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`\`go env GOVERSION\` fails: ${(cause as Error).message}`, { cause });
  }
}

function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
}

function requireGo(version: string | undefined, purpose: string): asserts version is string {
  const needed = `${NEEDED_GO.major}.${NEEDED_GO.minor}`;
  const fix = `Install Go ${needed} or newer (packages of Linux distributions are often older), put its bin folder first in PATH so that \`go version\` shows it, and run this again.`;
  if (!version) throw new Error(`${purpose} is built with Go, and there is no \`go\` in PATH. ${fix}`);
  const found = /go(\d+)\.(\d+)/.exec(version);
  const [major, minor] = [Number(found?.[1]), Number(found?.[2])];
  const enough = major > NEEDED_GO.major || (major === NEEDED_GO.major && minor >= NEEDED_GO.minor);
  if (!enough) throw new Error(`${purpose} needs Go ${needed} or newer, and the \`go\` in PATH is ${version}. ${fix}`);
}

/** Of every file of the module, how it is built, the Go version and the platform. */
async function contentHash(recipe: Recipe, go: string): Promise<string> {
  const hash = createHash('sha256').update([go, process.platform, process.arch, ...(await buildArguments(recipe))].join('\n'));
  for (const file of (await readdir(recipe.folder)).toSorted()) hash.update(`\n${file}\n`).update(await readFile(join(recipe.folder, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Builds in a folder of its own and moves it into place whole, so that a half-built one is never seen. */
async function buildInto(folder: string, recipe: Recipe, signal: AbortSignal | undefined): Promise<void> {
  const unfinished = `${folder}.unfinished-${randomUUID()}`;
  await mkdir(unfinished);
  try {
    const what = `${recipe.binary} ${await versionOf(recipe)}`.trimEnd();
    await runGo(['build', '-o', join(unfinished, recipe.binary), ...(await buildArguments(recipe))], { folder: recipe.folder, what, signal });
    for (const link of recipe.links ?? []) await symlink(recipe.binary, join(unfinished, link));
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function buildArguments(recipe: Recipe): Promise<string[]> {
  // Not -trimpath: it names a replaced module by the version it replaces, and then the sidecars share nothing with the control plane.
  const tags = recipe.tags === undefined ? [] : ['-tags', recipe.tags.join(',')];
  return [...tags, '-ldflags', `-s -w ${recipe.versionFlags?.(await versionOf(recipe)) ?? ''}`.trimEnd(), recipe.target];
}

/** Empty for a program of our own. */
async function versionOf(recipe: Recipe): Promise<string> {
  if (recipe.versionedBy === undefined) return '';
  const text = await readFile(join(recipe.folder, 'go.mod'), 'utf8');
  const required = text.split('\n').map((line) => line.trim().replace(/^require /, '').split(' '));
  const version = required.find(([module]) => module === recipe.versionedBy)?.[1];
  if (!version) throw new Error(`${join(recipe.folder, 'go.mod')} does not require ${recipe.versionedBy}.`);
  return version;
}

async function runGo(args: readonly string[], { folder, what, signal }: { folder: string; what: string; signal: AbortSignal | undefined }): Promise<void> {
  signal?.throwIfAborted();
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  progress(`building ${what} with Go, once (minutes on the first run) …`);
  const child = spawn('go', [...args], { cwd: folder, env: goEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
  // The compiler's errors stand at the end; "go: downloading" lines before it would be thousands.
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-20_000);
  });
  const stillBuilding = setInterval(() => {
    progress(`still building ${what}, ${seconds()} s …`);
  }, PROGRESS_EVERY_MS);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const end = (): boolean => child.kill();
  try {
    signal?.addEventListener('abort', end, { once: true });
    const code = await promise;
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`Building ${what} failed (\`go ${args[0]}\` in ${folder}, exit code ${code}):\n${output.trim()}`);
  } finally {
    clearInterval(stillBuilding);
    signal?.removeEventListener('abort', end);
  }
  progress(`built ${what} in ${seconds()} s.`);
}

function progress(line: string): void {
  process.stderr.write(`zonespread: ${line}\n`);
}

async function isThere(binary: string): Promise<boolean> {
  try {
    await access(binary, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now);
}

async function removeUnused(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const found = await stat(path).catch(ignoreMissing);
    if (found && Date.now() - found.mtimeMs > UNUSED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Another process may remove it between the listing and the look. */
function ignoreMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause;
}
