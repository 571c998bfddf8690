// One build of a binary at a time, between processes: a lock file that its owner keeps fresh. The lock only saves work, since a build
// is moved into place whole: should two processes ever hold it at once, both end with a good binary.
import { randomUUID } from 'node:crypto';
import { rename, rm, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

const FRESHENED_EVERY_MS = 2_000;
/** Fifteen missed refreshes: its owner is gone, or the machine slept. */
const STALE_AFTER_MS = 30_000;
const POLL_MS = 250;

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly id: string;
}

/** Runs the work when the lock is ours; removes the lock afterwards, whether the work failed or not. The signal ends the waiting for it. */
export async function withBuildLock(lockFile: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  const owner: Owner = { pid: process.pid, host: hostname(), id: randomUUID() };
  let announced = false;
  while (!(await take(lockFile, owner))) {
    signal?.throwIfAborted();
    if (!announced) process.stderr.write('zonespread: another process builds it already; waiting for that …\n');
    announced = true;
    await breakIfStale(lockFile);
    await pause(POLL_MS);
  }
  const freshen = setInterval(() => {
    const now = new Date();
    // A lock that somebody took from us as stale is no longer ours to freshen.
    utimes(lockFile, now, now).catch(() => undefined);
  }, FRESHENED_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(freshen);
    if ((await ownerOf(lockFile))?.id === owner.id) await rm(lockFile, { force: true });
  }
}

async function take(lockFile: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(lockFile, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/** Moves a stale lock out of the way; of several processes that try, the rename lets one succeed. */
async function breakIfStale(lockFile: string): Promise<void> {
  if (!(await isStale(lockFile))) return;
  const broken = `${lockFile}.${randomUUID()}`;
  try {
    await rename(lockFile, broken);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
  await rm(broken, { force: true });
}

async function isStale(lockFile: string): Promise<boolean> {
  const owner = await ownerOf(lockFile);
  if (owner?.host === hostname() && !isAlive(owner.pid)) return true;
  try {
    return Date.now() - (await stat(lockFile)).mtimeMs > STALE_AFTER_MS;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}

/** Undefined when there is no lock, or when its owner has not finished writing it. */
async function ownerOf(lockFile: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(lockFile, 'utf8')) as Owner;
  } catch (cause) {
    if (cause instanceof SyntaxError || (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
