// The simulated cloud over HTTP: what it checks about a request, its back door, and how it starts and stops.

import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_ACCESS_KEY_ID, type EcsServer, startEcsServer } from '../../../src/simulation/ecs/server.ts';
import { parametersOfQuery } from '../../../src/simulation/ecs/wire.ts';
import { TestCloud } from './cloud.ts';

const open: EcsServer[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function started() {
  const cloud = new TestCloud();
  const server = await startEcsServer({ model: cloud.model });
  open.push(server);
  return { cloud, server };
}

const HEADERS = {
  'x-acs-version': '2014-05-26',
  'x-acs-action': 'DescribeZones',
  'x-acs-date': '2026-11-20T10:00:00Z',
  'x-acs-signature-nonce': 'n',
  'x-acs-content-sha256': 'e3b0',
  authorization: `ACS3-HMAC-SHA256 Credential=${DEFAULT_ACCESS_KEY_ID},SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=${'0'.repeat(64)}`,
};

async function post(server: EcsServer, headers: Record<string, string>, path = '/?RegionId=r') {
  const answer = await fetch(`http://${server.endpoint}${path}`, { method: 'POST', headers });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

async function admin(server: EcsServer, method: string, path: string, body?: unknown) {
  const answer = await fetch(`${server.adminUrl}/${path}`, { method, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests read whatever comes
  return { status: answer.status, body: (await answer.json()) as any };
}

describe('a request', () => {
  it('that is signed is answered in JSON with a request id', async () => {
    const { server } = await started();
    expect(await post(server, HEADERS)).toMatchObject({ status: 200, body: { RequestId: expect.any(String), Zones: { Zone: [{}, {}, {}] } } });
  });

  it.each([
    ['no signature', { authorization: '' }, 400, 'IncompleteSignature'],
    ['an old signature', { authorization: 'acs key:abc' }, 400, 'IncompleteSignature'],
    ['a signature that covers too little', { authorization: HEADERS.authorization.replace(';x-acs-action', '') }, 400, 'IncompleteSignature'],
    ['an unknown key', { authorization: HEADERS.authorization.replace(DEFAULT_ACCESS_KEY_ID, 'stranger') }, 404, 'InvalidAccessKeyId.NotFound'],
    ['another version', { 'x-acs-version': '2016-01-01' }, 400, 'InvalidVersion'],
    ['an unknown action', { 'x-acs-action': 'LaunchRocket' }, 404, 'InvalidAction.NotFound'],
  ])('with %s is refused', async (_what, headers, status, code) => {
    const { server } = await started();
    expect(await post(server, { ...HEADERS, ...headers })).toMatchObject({ status, body: { Code: code, Message: expect.any(String), RequestId: expect.any(String), HostId: server.endpoint } });
  });

  it('that is throttled says for how long', async () => {
    const { cloud, server } = await started();
    cloud.model.faults.add({ kind: 'throttled', retryAfterMs: 900 });
    const answer = await post(server, HEADERS);
    expect([answer.status, answer.headers.get('x-acs-retry-after')]).toEqual([400, '900']);
  });

  it('is read with its lists', () => {
    expect(parametersOfQuery(new URLSearchParams('A=1&Tag.2.Key=k2&Tag.1.Key=k1&Tag.1.Value=&ResourceId.1=d-1&ResourceId.10=d-10&DiskIds=["d-1"]'))).toEqual({
      A: '1',
      Tag: [{ Key: 'k1', Value: '' }, { Key: 'k2' }],
      ResourceId: ['d-1', 'd-10'],
      DiskIds: '["d-1"]',
    });
  });
});

describe('the back door', () => {
  it('drives a whole life of a disk', async () => {
    const { cloud, server } = await started();
    await admin(server, 'POST', 'instances', { id: 'i-new', zone: 'a' });
    const { body: disk } = await admin(server, 'POST', 'disks', { zone: 'a', sizeGiB: 60, tags: { app: 'web' } });
    await cloud.attach(disk.id, 'i-new');
    expect(await admin(server, 'POST', 'guest-writes', { instanceId: 'i-new', diskId: disk.id, writer: 'web-0', text: 'hi' })).toMatchObject({ status: 200, body: { sequence: 1 } });
    expect((await admin(server, 'GET', `contents/${disk.id}`)).body).toMatchObject([{ writer: 'web-0', sequence: 1, text: 'hi' }]);
    const { body: snapshot } = await admin(server, 'POST', 'automatic-snapshots', { diskId: disk.id });
    await admin(server, 'PUT', `locks/${disk.id}`, { locks: ['security'] });
    await admin(server, 'PUT', 'zones/d', { onSale: [{ category: 'cloud_essd' }] });
    const { body: state } = await admin(server, 'GET', 'state');
    expect(state).toMatchObject({
      zones: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd', onSale: [{ category: 'cloud_essd' }] }],
      disks: [{ id: disk.id, status: 'In_use', locks: ['security'], sizeGiB: 60, contents: [{ writer: 'web-0' }] }],
      snapshots: [{ id: snapshot.id, status: 'progressing' }],
      deleted: { disks: [], snapshots: [] },
    });
    await admin(server, 'DELETE', 'instances/i-new');
    expect(cloud.model.disk(disk.id)?.status).toBe('Available');
    const { body: history } = await admin(server, 'GET', 'history?since=2');
    expect(history.length).toBe(cloud.model.history().length - 2);
  });

  it('takes faults, lists them, takes them away', async () => {
    const { cloud, server } = await started();
    const { body } = await admin(server, 'POST', 'faults', { kind: 'stuck', action: 'CreateDisk', match: { ZoneId: 'a' } });
    const id = await cloud.newDisk();
    expect((await admin(server, 'GET', 'faults')).body).toMatchObject([{ id: body.id, hits: 1, active: false, fault: { kind: 'stuck' } }]);
    expect(cloud.model.disk(id)?.status).toBe('Creating');
    await admin(server, 'POST', 'unstick', { id });
    await cloud.clock.advance(2_000);
    expect(cloud.model.disk(id)?.status).toBe('Available');
    await admin(server, 'DELETE', `faults/${body.id}`);
    expect(cloud.model.faults.list()).toEqual([]);
  });

  it('says what is wrong with a request', async () => {
    const { server } = await started();
    expect(await admin(server, 'GET', 'nothing')).toMatchObject({ status: 404, body: { error: expect.stringContaining('GET state') } });
    expect(await admin(server, 'POST', 'faults', { kind: 'meteorite' })).toMatchObject({ status: 400, body: { error: expect.stringContaining('kind') } });
    expect(await admin(server, 'POST', 'faults', 'no json')).toMatchObject({ status: 400 });
    expect(await admin(server, 'POST', 'disks', { zone: 'a', sizeGib: 1 })).toMatchObject({ status: 400, body: { error: expect.stringContaining('sizeGib') } });
    expect(await admin(server, 'POST', 'guest-writes', { instanceId: 'i-a', diskId: 'd-x', writer: 'w' })).toMatchObject({ status: 409, body: { error: 'There is no disk d-x' } });
  });

  it('refuses a second server on the same port, and ends calls that wait for an answer when it closes', async () => {
    const { cloud, server } = await started();
    const port = Number(server.endpoint.split(':')[1]);
    await expect(startEcsServer({ model: cloud.model, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    cloud.model.faults.add({ kind: 'lost', how: 'timeout' });
    const waiting = fetch(`http://${server.endpoint}/?RegionId=r`, { method: 'POST', headers: HEADERS }).then(() => 'answered', () => 'ended');
    await cloud.clock.until(() => cloud.model.faults.list()[0]?.hits === 1).catch(() => undefined);
    while (cloud.model.faults.list()[0]?.hits !== 1) await new Promise((resolve) => setImmediate(resolve));
    await open.pop()?.close();
    expect(await waiting).toBe('ended');
  });
});

describe('npm run ecs', () => {
  function run(...flags: string[]) {
    const child = spawn(process.execPath, ['src/simulation/ecs/main.ts', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { text: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output.text += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, output, ended };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('says how to point the product at it, and stops on %s', async (signal) => {
    const { child, output, ended } = run('--zones', 'x,y', '--region', 'cn-test', '--instance', 'i-1=y', '--timing', 'attachMs=5');
    while (!output.text.includes('Ctrl-C')) await new Promise((resolve) => setImmediate(resolve));
    const endpoint = /--ecs-endpoint (\S+) --ecs-protocol HTTP/.exec(output.text)?.[1];
    expect(output.text).toContain(`ALIBABA_CLOUD_ACCESS_KEY_ID=${DEFAULT_ACCESS_KEY_ID}`);
    const state = (await (await fetch(`http://${endpoint}/admin/state`)).json()) as Record<string, unknown>;
    expect(state).toMatchObject({ region: 'cn-test', zones: [{ id: 'x' }, { id: 'y' }], instances: [{ id: 'i-1', zone: 'y' }] });
    child.kill(signal);
    expect(await ended).toBe(0);
  });

  it.each([
    [['--zones', ''], 'at least one zone'],
    [['--instance', 'i-1=z'], 'no zone "z"'],
    [['--timing', 'attachMs=soon'], 'whole number'],
    [['--port', '-1'], 'port'],
    [['--colour', 'blue'], 'colour'],
  ])('refuses %j with exit code 2', async (flags, words) => {
    const { output, ended } = run(...flags);
    expect(await ended).toBe(2);
    expect(output.text).toContain(words);
    expect(output.text).toContain('Usage: npm run ecs');
  });
});
