import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createPrometheus } from '../../src/observability/prometheus.ts';

const QUERY = { query: 'up == 1', startMs: 1_000_000, endMs: 1_010_000, stepMs: 5_000 };
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function saying(body: unknown, status = 200): Promise<string> {
  return listening((_request, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body)));
}

describe('a query to Prometheus', () => {
  it('gives the values of each series by time', async () => {
    const at = await saying({ status: 'success', data: { resultType: 'matrix', result: [{ metric: { pod: 'a' }, values: [[1000, '1'], [1005, '0.5']] }, { metric: {}, values: [[1010, 'NaN']] }] } });
    expect(await createPrometheus(`http://${at}`).range(QUERY)).toEqual([new Map([[1_000_000, 1], [1_005_000, 0.5]]), new Map([[1_010_000, Number.NaN]])]);
  });

  it('asks under the path of the URL, in seconds, with its user and password', async () => {
    let asked: IncomingMessage | undefined;
    const at = await listening((request, response) => {
      asked = request;
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }));
    });
    expect(await createPrometheus(`http://me:p%40ss@${at}/prometheus/`).range(QUERY)).toEqual([]);
    expect(asked?.url).toBe('/prometheus/api/v1/query_range?query=up+%3D%3D+1&start=1000&end=1010&step=5');
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  it('that Prometheus refuses is refused in its words', async () => {
    const at = await saying({ status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:4: parse error: unexpected end of input' }, 400);
    await expect(createPrometheus(`http://${at}`).range(QUERY)).rejects.toThrow(`Prometheus at http://${at} refuses the query: invalid parameter "query": 1:4: parse error: unexpected end of input`);
  });

  it('to something else says that it is no Prometheus', async () => {
    const at = await saying('<html>please log in</html>');
    await expect(createPrometheus(`http://${at}`).range(QUERY)).rejects.toThrow(`what answers at http://${at} (status 200) is no Prometheus`);
  });

  it('to nobody says that there is no answer, without the password', async () => {
    const at = await saying({});
    closing.splice(0).forEach((close) => close());
    await expect(createPrometheus(`http://me:secret@${at}`).range(QUERY)).rejects.toThrow(new RegExp(`^no answer from Prometheus at http://${at}: `));
  });
});
