// The real listener against everything that can come in at its port: each kind of nonsense gets a clear answer or is cut off, and reviews
// go on being answered meanwhile.

import { IncomingMessage } from 'node:http';
import { connect as connectPlain, Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BODY_LIMIT_BYTES, Receiver, RefusedRequest, type ClientGone } from '../../src/admission/body.ts';
import { renewed, type SelfMade } from '../../src/admission/certificates.ts';
import { startReviewServer, type ReviewServer } from '../../src/admission/server.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { claim, creating, deleting, onTheWire, pod, statefulSet, updating, world } from './builders.ts';

let made: SelfMade;
let server: ReviewServer;
const log = new FakeLog();
const state = { ready: true };

beforeAll(async () => {
  made = await renewed(undefined, ['127.0.0.1'], Date.now());
  server = await startReviewServer({ listen: { host: '127.0.0.1', port: 0 }, certificates: made, world: world(), canJudge: () => true, ready: () => state.ready, clock: systemClock, log, metrics: { reviewed: () => undefined } });
});
afterAll(() => server.close());

function opened(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: made.bundle }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** All that comes back until the server closes the connection. A reset ends it, too. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
  });
}

async function exchange(sent: string | Buffer): Promise<string> {
  const socket = await opened();
  const answer = untilClosed(socket);
  socket.write(sent);
  return answer;
}

const DELETE_REFUSED = JSON.stringify(onTheWire(deleting(claim())));
const REVIEW = JSON.stringify(onTheWire(creating(pod({ metadata: { name: 'other' } }))));

interface Head {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
}

/** Closed after the answer, so that it ends. */
function http(body: string | Buffer, { method = 'POST', path = '/validate?timeout=2s', headers = {} }: Head = {}): Buffer {
  const all = { host: 'webhook', 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), connection: 'close', ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}\r\n`]));
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(body)]);
}

const changed = (change: object): string => JSON.stringify({ ...onTheWire(creating(pod())), ...change });
const requesting = (change: object): string => JSON.stringify({ ...onTheWire(creating(pod())), request: { ...(onTheWire(creating(pod())) as { request: object }).request, ...change } });

describe('what is no review gets an answer that says what is wrong', () => {
  test.each<[string, Buffer, number, RegExp]>([
    ['an older version', http(changed({ apiVersion: 'admission.k8s.io/v1beta1' })), 400, /no AdmissionReview of admission\.k8s\.io\/v1: apiVersion: .*"admission\.k8s\.io\/v1"/],
    ['a version of tomorrow', http(changed({ apiVersion: 'admission.k8s.io/v2' })), 400, /apiVersion/],
    ['another kind', http(changed({ kind: 'ConversionReview' })), 400, /kind: .*"AdmissionReview"/],
    ['an answer instead of a request', http(changed({ request: undefined, response: {} })), 400, /request: /],
    ['a review without a uid', http(requesting({ uid: '' })), 400, /request\.uid/],
    ['an operation of tomorrow', http(requesting({ operation: 'MOVE' })), 400, /request\.operation/],
    ['an object that is a text', http(requesting({ object: 'pod' })), 400, /request\.object/],
    ['half a review', http(REVIEW.slice(0, 300)), 400, /the body is no JSON: /],
    ['no body', http(''), 400, /the body is no JSON: /],
    ['bytes that are no UTF-8', http(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])), 400, /not UTF-8/],
    ['text', http(REVIEW, { headers: { 'content-type': 'text/plain' } }), 415, /application\/json in UTF-8, not "text\/plain"/],
    ['protobuf', http(REVIEW, { headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } }), 415, /application\/json/],
    ['another charset', http(REVIEW, { headers: { 'content-type': 'application/json; charset=utf-16' } }), 415, /UTF-8/],
    ['no content type', http(REVIEW, { headers: { 'content-type': '' } }), 415, /without a content type/],
    ['compression', http('x', { headers: { 'content-encoding': 'gzip' } }), 415, /uncompressed, not as "gzip"/],
    ['GET', http('', { method: 'GET' }), 405, /allow: POST\r\n[\s\S]*by POST, not by GET/i],
    ['PUT', http(REVIEW, { method: 'PUT' }), 405, /allow: POST/i],
    ['another path', http(REVIEW, { path: '/validated' }), 404, /there is \/mutate, \/validate/],
    ['a path above', http(REVIEW, { path: '/x/../validate' }), 404, /there is/],
    ['more than 16 KiB of headers', http(REVIEW, { headers: { 'x-flood': 'x'.repeat(20_000) } }), 431, /larger than 16384 bytes/],
    ['thousands of headers', http(REVIEW, { headers: Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x-${index}`, '1'])) }), 431, /larger than/],
    ['no HTTP', Buffer.from('hello?\r\n\r\n'), 400, /this is no HTTP/],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 400, /this is no HTTP/],
    ['two lengths', Buffer.from('POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'), 400, /this is no HTTP/],
    ['a length and chunks', Buffer.from('POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'), 400, /this is no HTTP/],
    ['a body that is said to be huge', http('', { headers: { 'content-length': '999999999999' } }), 413, /larger than 7340032 bytes/],
    ['an expectation that nobody meets', http(REVIEW, { headers: { expect: 'the-unexpected' } }), 417, /./],
  ])('%s', async (_what, sent, status, message) => {
    const answer = await exchange(sent);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(message);
    expect(await exchange(http(DELETE_REFUSED))).toContain('"allowed":false');
  });

  test.each([
    ['in one piece', (body: Buffer) => http(body)],
    ['in chunks', (body: Buffer) => Buffer.concat([Buffer.from(`POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])],
  ])('more than 7 MiB %s is 413, and the client reads it', async (_how, framed) => {
    const answer = await exchange(framed(Buffer.alloc(BODY_LIMIT_BYTES + 1, ' ')));
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*larger than 7340032 bytes/);
    expect(await exchange(framed(Buffer.from(`${REVIEW}${' '.repeat(BODY_LIMIT_BYTES - Buffer.byteLength(REVIEW))}`)))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('is said in the log once a second, not as often as it comes', async () => {
    const before = log.lines.length;
    await Promise.all(Array.from({ length: 30 }, () => exchange(http('nonsense'))));
    const said = log.lines.slice(before).filter(({ message }) => message === 'a request was refused');
    expect(said.length).toBeLessThan(15);
    expect(log.messages('error')).toEqual([]);
  });
});

describe('what is a review is answered', () => {
  test.each([
    ['with the charset said', http(REVIEW, { headers: { 'content-type': 'application/json; charset=UTF-8' } })],
    ['with an upgrade that nobody wants', http(REVIEW, { headers: { upgrade: 'websocket', connection: 'close, upgrade' } })],
    ['in chunks of one byte', Buffer.from(`POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${REVIEW.replaceAll(/./g, '1\r\n$&\r\n')}0\r\n\r\n`)],
  ])('%s', async (_how, sent) => {
    expect(await exchange(sent)).toMatch(/^HTTP\/1\.1 200 [\s\S]*"allowed":true/);
  });

  test('in the order in which they were asked, when they are sent without waiting', async () => {
    const named = (uid: string): Buffer => http(requesting({ uid }), { headers: { connection: uid === 'c' ? 'close' : 'keep-alive' } });
    const answer = await exchange(Buffer.concat([named('a'), named('b'), named('c')]));
    expect([...answer.matchAll(/"uid":"(.)"/g)].map(([, uid]) => uid)).toEqual(['a', 'b', 'c']);
  });

  test('however deep its objects are nested', async () => {
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const review = JSON.stringify(onTheWire(updating(statefulSet({ spec: { template: 'DEEP' as never } }), statefulSet({ spec: { template: 'DEEP' as never } })))).replaceAll('"DEEP"', deep);
    const answer = await exchange(http(review));
    // What cannot be compared cannot be judged: a change of what is in flight is refused then.
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"allowed":(true|false,[\s\S]*"code":500)/);
    log.lines.length = 0;
  });

  test('and the connection is kept, until the replica is to go', async () => {
    const keep = (): Buffer => http(REVIEW, { headers: { connection: '' } });
    const socket = await opened();
    const answers = untilClosed(socket);
    socket.write(keep());
    await new Promise((resolve) => {
      socket.once('data', resolve);
    });
    state.ready = false;
    try {
      socket.write(keep());
      const [first = '', second = ''] = (await answers).split(/(?=HTTP\/1\.1 )/);
      expect(first).toMatch(/connection: keep-alive/i);
      expect(second).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    } finally {
      state.ready = true;
    }
  });
});

describe('under siege', () => {
  const plain = (): Socket => connectPlain(server.port, '127.0.0.1');
  /** Sends a byte now and then, for as long as it is let. */
  const dribble = (socket: Socket, text: string): Socket => {
    let at = 0;
    const timer = setInterval(() => socket.write(text[at++ % text.length]!), 100);
    socket.once('close', () => clearInterval(timer));
    return socket;
  };
  const after = async (socket: Promise<TLSSocket>, sent: string, then?: string): Promise<Socket> => {
    const connected = await socket;
    connected.write(sent);
    return then === undefined ? connected : dribble(connected, then);
  };
  const START = 'POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const CLIENTS: Record<string, () => Socket | Promise<Socket>> = {
    'a connection without a word': plain,
    'a handshake without a request': opened,
    'headers that dribble': () => after(opened(), START, 'x-slow: 1\r\n'),
    'a body that dribbles': () => after(opened(), `${START}content-length: 10000\r\n\r\n`, ' '),
    'a body that never comes': () => after(opened(), `${START}content-length: 10000\r\n\r\n`),
    'chunks that dribble': () => after(opened(), `${START}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'),
    'HTTP where TLS should be': () => plain().setNoDelay().once('connect', function greet(this: Socket) { this.write(http(REVIEW)); }),
    'nonsense where TLS should be': () => plain().once('connect', function greet(this: Socket) { this.write(Buffer.alloc(500, 0xff)); }),
    'half a handshake': () => plain().once('connect', function greet(this: Socket) { this.write(Buffer.from('1603010200010001fc0303', 'hex')); }),
  };

  test('by clients of all sorts it goes on answering reviews, and every one of them is cut off', { timeout: 40_000 }, async () => {
    const besieging = await Promise.all(Object.entries(CLIENTS).flatMap(([name, open]) => Array.from({ length: 6 }, async () => ({ name, socket: await open() }))));
    const left = new Set(besieging);
    const gone = Promise.all(besieging.map(async (client) => {
      await untilClosed(client.socket);
      left.delete(client);
    }));
    // Some leave in the middle by themselves.
    const leaving = await after(opened(), `${START}content-length: 10000\r\n\r\nhalf a`);
    leaving.destroy();
    let answered = 0;
    while (left.size > 0) {
      expect(await exchange(http(DELETE_REFUSED)), `with ${[...new Set([...left].map(({ name }) => name))].join(', ')}`).toContain('"allowed":false');
      answered += 1;
    }
    await gone;
    expect(answered).toBeGreaterThan(10);
    expect(log.messages('error')).toEqual([]);
  });

  test('it ends all the same, when it is told to', { timeout: 20_000 }, async () => {
    const other = await startReviewServer({ listen: { host: '127.0.0.1', port: 0 }, certificates: made, world: world(), canJudge: () => true, ready: () => true, clock: systemClock, log, metrics: { reviewed: () => undefined } });
    const silent = connectPlain(other.port, '127.0.0.1');
    const gone = untilClosed(silent);
    await new Promise((resolve) => {
      silent.once('connect', resolve);
    });
    await other.close();
    await gone;
  });

  test('by bodies that are never finished it holds so many bytes and no more', () => {
    const receiver = new Receiver();
    const results: (string | RefusedRequest | ClientGone)[] = [];
    const begin = (): IncomingMessage => {
      const message = new IncomingMessage(new Socket());
      Object.assign(message, { method: 'POST', headers: { 'content-type': 'application/json' } });
      receiver.read(message, (result) => results.push(result));
      return message;
    };
    const chunk = Buffer.alloc(6 * 1024 * 1024, ' ');
    const messages = Array.from({ length: 30 }, begin);
    for (const message of messages) message.emit('data', chunk);
    for (const message of messages.slice(20)) message.emit('end');
    // 21 of them fit into 128 MiB.
    expect(results.filter((result) => typeof result === 'string')).toHaveLength(1);
    expect(results.filter((result) => result instanceof RefusedRequest && result.status === 503)).toHaveLength(9);
    for (const message of messages.slice(0, 20)) message.emit('close');
    results.length = 0;
    const next = begin();
    next.emit('data', chunk);
    next.emit('end');
    expect(typeof results[0]).toBe('string');
  });
});
