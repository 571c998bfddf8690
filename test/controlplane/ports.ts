// Ports that are free at this moment, and that no test file beside this one is given. A stranger may still take one before its program
// listens: then the program says "address already in use".
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below Linux's range for outgoing connections (32768 and up), so that no client's own port gets in the way.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Test files that run side by side are processes of their own, each with a number of its own: each has its own share of the ports. */
const SHARES = 16;
const PORTS_PER_SHARE = (LAST_PORT - FIRST_PORT) / SHARES;
const SHARE_START = FIRST_PORT + (Number(process.env['VITEST_POOL_ID'] ?? 0) % SHARES) * PORTS_PER_SHARE;

/** Ports given out by this process, so that control planes that start side by side never race each other here. */
const givenOut = new Set<number>();

export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = randomInt(SHARE_START, SHARE_START + PORTS_PER_SHARE);
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    if (await isFree(port)) found.push(port);
    else givenOut.delete(port);
  }
  return found;
}

export function giveBack(ports: readonly number[]): void {
  for (const port of ports) givenOut.delete(port);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
