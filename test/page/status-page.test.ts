// The page over HTTP: headers, what is refused, the event stream, and that nothing written into an object becomes markup.

import { afterEach, describe, expect, it } from 'vitest';
import type { Sight } from '../../src/controller/outlook.ts';
import { MOST_ONLOOKERS } from '../../src/page/live.ts';
import { EVEN, NOW } from '../cli/command-line-of.ts';
import { FakeClock } from '../fakes/clock.ts';
import { EMPTY_SIGHT, HOSTILE, hostileSight, ordinarySight, report, serveSight, type ServedSight } from './sights.ts';

const open: ServedSight[] = [];

async function start(sight: Sight = ordinarySight(), clock = new FakeClock(NOW)): Promise<ServedSight> {
  const served = await serveSight(sight, clock);
  open.push(served);
  return served;
}

afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

describe('a page', () => {
  it('is HTML that nobody keeps, frames or gets anything else into', async () => {
    const { url } = await start();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(response.headers.get('x-powered-by')).toBeNull();
    const text = await response.text();
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).toContain('<a href="/sets/db/web">');
    // What the policy would refuse is not even tried.
    expect(text).not.toMatch(/ style="| on[a-z]+="|<script>|https?:/);
  });

  it('of one set has all that is known of it', async () => {
    const { url } = await start();
    const text = await (await fetch(`${url}/sets/db/web`)).text();
    for (const heading of ['Zone map', 'Under way', 'Why it waits', 'Plan', 'History', 'Old disks that are kept', 'Conditions']) expect(text).toMatch(new RegExp(`<h2 id="[a-z-]+">${heading}</h2>`));
    expect(text).toContain('<title>web: moving web-2 to cn-beijing-i, createDisk · db · zonespread</title>');
  });

  it('says in words what is not there', async () => {
    const { url, outlook } = await start();
    const unknown = await fetch(`${url}/sets/db/nobody`);
    expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('StatefulSet <bdi>nobody</bdi> in namespace <bdi>db</bdi>: no report and no move.')]);
    const elsewhere = await fetch(`${url}/elsewhere`);
    expect([elsewhere.status, await elsewhere.text()]).toEqual([404, expect.stringContaining('There is no such page')]);
    outlook.complete = false;
    expect((await fetch(`${url}/sets/db/nobody`)).status).toBe(503);
  });

  it('says so where there is nothing to show', async () => {
    const { url } = await start(EMPTY_SIGHT);
    expect(await (await fetch(url)).text()).toContain('No StatefulSet in any namespace has the annotation <code>zonespread.io/zones</code>');
    expect(await (await fetch(`${url}/?namespace=%3Cb%3E`)).text()).toContain('in namespace <bdi>&lt;b&gt;</bdi>');
  });

  it('has its style, script and sign from here, for ever under the name of their version', async () => {
    const { url } = await start();
    const text = await (await fetch(url)).text();
    const assets = [...text.matchAll(/(?:href|src)="(\/page\.[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(assets).toHaveLength(3);
    for (const asset of assets) {
      const response = await fetch(`${url}${asset}`);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
      expect((await response.text()).length).toBeGreaterThan(100);
    }
    expect((await fetch(`${url}/page.css`)).headers.get('cache-control')).toBe('no-cache');
  });

  it('leaves metrics and probes where they are', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/metrics`)).headers.get('content-type')).toContain('text/plain');
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('refuses %s: it is read-only', async (method) => {
    const { url } = await start();
    const response = await fetch(`${url}/sets/db/web`, { method });
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([405, 'GET, HEAD', 'this page is read-only: GET and HEAD\n']);
  });

  it('answers HEAD without a body', async () => {
    const { url } = await start();
    for (const path of ['/', '/sets/db/web', '/events?of=/']) expect([(await fetch(`${url}${path}`, { method: 'HEAD' })).status, path]).toEqual([200, path]);
  });

  it('stays small with thousands of sets', async () => {
    const reports = Array.from({ length: 5_000 }, (_, at) => report('db', `set-${at}`, EVEN));
    const { url } = await start({ ...EMPTY_SIGHT, reports });
    const text = await (await fetch(url)).text();
    expect(text.length).toBeLessThan(200_000);
    expect(text).toContain('data-key="next"');
  });
});

describe('what somebody wrote into an object', () => {
  it('never becomes markup, on the overview or on the page of the set', async () => {
    const { url } = await start(hostileSight());
    const pages = ['/', ...HOSTILE.map((name) => `/sets/${encodeURIComponent(name)}/${encodeURIComponent(name)}`)];
    for (const path of pages) {
      const response = await fetch(`${url}${path}`);
      expect(response.status, path).toBe(200);
      const text = await response.text();
      expect(text).not.toMatch(/<script>|<img|<svg|<h1>pwned|<b>&|\u202E/);
      // Ours alone, in the head.
      expect(text.match(/<script/g)).toHaveLength(1);
      expect(text.match(/href="javascript:/)).toBeNull();
    }
  });

  it('never ends an event of the stream', async () => {
    const { url } = await start(hostileSight());
    const [event = ''] = await eventsOf(`${url}/events?of=/`, 1);
    const { html } = JSON.parse(event.replace('event: picture\ndata: ', '')) as { html: string };
    expect(html).not.toMatch(/<script|<img|<svg/);
  });
});

/** The first so many events, without the stream's own lines. */
async function eventsOf(url: string, most: number): Promise<string[]> {
  const response = await fetch(url);
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const events = (): string[] => text.split('\n\n').slice(0, -1).filter((event) => !event.startsWith('retry:'));
  while (events().length < most) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return events().slice(0, most);
}

describe('the event stream', () => {
  it('follows what changes', async () => {
    const clock = new FakeClock(NOW);
    const { url, outlook } = await start(EMPTY_SIGHT, clock);
    const response = await fetch(`${url}/events?of=/`);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (words: string): Promise<void> => {
      while (!text.includes(words)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended without ${words}: ${text}`);
        text += value;
      }
    };
    await until('retry: 3000');
    await until('has the annotation');
    await until('event: beat\ndata: {"at":"2026-11-20T10:00:00.000Z","words":"2026-11-20 10:00:00 UTC"}');
    outlook.change(ordinarySight());
    await clock.advance(1_000);
    await until('moving web-2 to cn-beijing-i');
    await reader.cancel();
  });

  it.each(['', '?of=', '?of=http://elsewhere/', '?of=/&of=/', '?of=/events'])('knows no page %s', async (query) => {
    const { url } = await start();
    const response = await fetch(`${url}/events${query}`);
    // An empty address is that of all sets.
    expect(response.status).toBe(query === '?of=' ? 200 : 404);
    await response.body?.cancel();
  });

  it('has so many seats, says when to come back, and frees the seat of one who has gone', async () => {
    const clock = new FakeClock(NOW);
    const { url } = await start(ordinarySight(), clock);
    const leave = new AbortController();
    const first = await fetch(`${url}/events?of=/`, { signal: leave.signal });
    expect(first.status).toBe(200);
    const seated = await Promise.all(Array.from({ length: MOST_ONLOOKERS - 1 }, () => fetch(`${url}/events?of=/`)));
    expect(seated.every(({ status }) => status === 200)).toBe(true);
    const refused = await fetch(`${url}/events?of=/`);
    expect([refused.status, refused.headers.get('retry-after'), await refused.text()]).toEqual([503, '30', `${MOST_ONLOOKERS} are looking on already; the page itself can be reloaded\n`]);
    leave.abort();
    await expect.poll(async () => {
      const again = await fetch(`${url}/events?of=/`);
      if (again.status !== 200) await again.text();
      return again.status;
    }, { timeout: 10_000 }).toBe(200);
  });

  it('ends with the process that serves it', async () => {
    const served = await serveSight(ordinarySight());
    const response = await fetch(`${served.url}/events?of=/`);
    await served.close();
    await expect(response.text()).rejects.toThrow('terminated');
  });
});
