// Waiting for a program to be ready by what it answers, giving up at once when it has ended instead.
import { request } from 'node:https';
import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { obituary, type Program } from './program.ts';

export interface Awaited {
  /** What is awaited, for the error: "the API server's /readyz". */
  readonly what: string;
  readonly condition: () => Promise<boolean>;
  /** The wait ends with an error as soon as one of these has ended. */
  readonly programs: readonly Program[];
}

/** Far longer than any start takes (about 3 s), for machines that are busy with something else. */
const DEADLINE_MS = 120_000;
const POLL_MS = 30;

export async function awaitReadiness({ what, condition, programs }: Awaited): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    const dead = programs.find((program) => program.ending);
    if (dead) throw new Error(`Waiting for ${what}: ${obituary(dead)}`);
    if (performance.now() > deadline) {
      throw new Error(`Waiting for ${what} took more than ${DEADLINE_MS / 1000} s. ${programs.map((program) => obituary(program)).join('\n')}`);
    }
    await pause(POLL_MS);
  }
}

export interface Endpoint {
  readonly url: string;
  readonly ca?: string;
  readonly token?: string;
}

/** Whether a GET answers 200; anything else, no connection included, is a no. */
export function answers({ url, ca, token }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const call = url.startsWith('https:') ? request(url, { ca, headers, agent: false }) : get(url, { agent: false });
    call.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => {
      resolve(false);
    });
    call.end();
  });
}
