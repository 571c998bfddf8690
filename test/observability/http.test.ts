import { afterEach, describe, expect, it } from 'vitest';
import { createObservabilityApp, serve, type HealthCheck, type HttpServer } from '../../src/observability/http.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { FakeLog } from '../fakes/log.ts';

const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(readiness: HealthCheck[] = [], liveness: HealthCheck[] = [], metrics = createMetrics({ version: '0.1.0' })): Promise<{ get: (path: string, accept?: string) => Promise<{ status: number; type: string | null; text: string }>; log: FakeLog; port: number }> {
  const log = new FakeLog();
  const server = await serve(createObservabilityApp({ metrics, readiness, liveness, log }), { host: '127.0.0.1', port: 0 });
  servers.push(server);
  const get = async (path: string, accept = '*/*'): Promise<{ status: number; type: string | null; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { accept } });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  return { get, log, port: server.port };
}

describe('the observability server', () => {
  it('serves the metrics in the format that is asked for', async () => {
    const { get } = await start();
    expect(await get('/metrics')).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: expect.stringContaining('zonespread_build_info') as string });
    expect((await get('/metrics', 'application/openmetrics-text')).text).toContain('# EOF');
    expect((await get('/elsewhere')).status).toBe(404);
  });

  it('is ready when every check is, else names the ones that are not', async () => {
    let contact: string | undefined;
    const { get } = await start([
      { name: 'watches', problem: () => contact },
      { name: 'lease', problem: () => Promise.resolve(undefined) },
    ]);
    expect(await get('/readyz')).toMatchObject({ status: 200, text: '[+]watches ok\n[+]lease ok\nok\n' });
    contact = 'nothing heard of pods for 75 s';
    expect(await get('/readyz')).toMatchObject({ status: 503, text: '[-]watches: nothing heard of pods for 75 s\n[+]lease ok\nnot ok\n' });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('takes a check that fails itself as not ready', async () => {
    const { get } = await start([], [{ name: 'loop', problem: () => Promise.reject(new Error('bug')) }]);
    expect(await get('/healthz')).toMatchObject({ status: 503, text: '[-]loop: the check itself failed: bug\nnot ok\n' });
  });

  it('survives metrics that cannot be had', async () => {
    const { get, log } = await start([], [], { ...createMetrics({ version: '0.1.0' }), expose: () => Promise.reject(new Error('bug')) });
    expect(await get('/metrics')).toMatchObject({ status: 500, text: 'internal error, see the log\n' });
    expect(log.messages('error')).toHaveLength(1);
  });

  it('says which address it cannot have', async () => {
    const { port } = await start();
    await expect(serve(createObservabilityApp({ metrics: createMetrics({ version: '0.1.0' }), readiness: [], log: new FakeLog() }), { host: '127.0.0.1', port })).rejects.toThrow(`cannot listen at 127.0.0.1:${port}: listen EADDRINUSE`);
  });
});
