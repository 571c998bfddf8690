// What `helm test` runs: said as the pod has it, with a server that is ready, one that is not, and none.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startServer } from '../fakes/http-server.ts';

const SCRIPT = readFileSync(new URL('../../charts/zonespread/files/tests/ready.mjs', import.meta.url), 'utf8').trim();

describe('helm test', () => {
  const run = async (...urls: string[]): Promise<{ code: number; out: string }> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', SCRIPT, '--', ...urls]).then(
      ({ stdout }) => ({ code: 0, out: stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, out: error.stdout }),
    );

  it('succeeds when all are ready, and says what they say', async () => {
    const server = await startServer((_request, response) => response.writeHead(200).end('[+]watches ok\nok\n'));
    expect(await run(`${server.url}/readyz`, `${server.url}/readyz`)).toEqual({ code: 0, out: expect.stringMatching(/readyz: 200\n\[\+\]watches ok[^]*readyz: 200/) });
    await server.close();
  });

  it('fails when one is not, and says why', async () => {
    const server = await startServer(({ url }, response) => response.writeHead(url === '/well' ? 200 : 503).end('[-]watches: being filled\nnot ok\n'));
    const { code, out } = await run(`${server.url}/readyz`, `${server.url}/well`);
    expect(code).toBe(1);
    expect(out).toMatch(/readyz: 503\n\[-\]watches: being filled/);
    await server.close();
    expect(await run(`${server.url}/readyz`)).toEqual({ code: 1, out: expect.stringMatching(/no answer: .*ECONNREFUSED/) });
  });
});
