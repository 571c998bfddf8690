// Ports that are free at this moment. Another process may take one before its program listens; whoever starts the program sees
// "address already in use" in its log and tries again with other ports.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below Linux's range for outgoing connections (32768 and up), so that no client's own port gets in the way.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Ports given out by this process, so that control planes that start side by side never race each other here. */
const givenOut = new Set<number>();

export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
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
