// The status page at `--http`: routes, headers and the event stream around the pages. Read-only, and nothing in it comes from anywhere
// else: whatever somebody writes into an object of the cluster, a browser runs none of it.

import { createHash } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { Outlook, ServedPage } from '../controller/outlook.ts';
import { timestamp, type Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { addressOf, placeAt, type Place } from './addresses.ts';
import { allPage } from './all-page.ts';
import { clockTime, documentOf, remarks, ROLES, wordsPage } from './frame.ts';
import { html, type Html } from './html.ts';
import { Live, MOST_ONLOOKERS } from './live.ts';
import { SCRIPT } from './script.ts';
import { setPage } from './set-page.ts';
import { ICON, STYLE } from './style.ts';
import { allView, remarksOn, setView, type Scene } from './view.ts';

export interface StatusPageOptions {
  outlook: Outlook;
  clock: Clock;
  log: Log;
}

const ASSETS: Readonly<Record<string, { type: string; text: string }>> = {
  '/page.css': { type: 'text/css; charset=utf-8', text: STYLE },
  '/page.js': { type: 'text/javascript; charset=utf-8', text: SCRIPT },
  '/page.svg': { type: 'image/svg+xml', text: ICON },
};

const VERSION = createHash('sha256').update(Object.values(ASSETS).map(({ text }) => text).join('\0')).digest('hex').slice(0, 12);

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** How soon one may come back who was one too many. */
const RETRY_AFTER_SECONDS = 30;
const RECONNECT_MS = 3_000;

export function createStatusPage(options: StatusPageOptions): ServedPage {
  const { outlook, clock, log } = options;
  const live = new Live({
    clock,
    log,
    draw: (address) => event('picture', pictureOf(options, address)),
    beat: () => event('beat', moment(clock)),
  });
  const endListening = outlook.onChange(() => live.changed());
  return {
    handler: routes(options, live),
    end() {
      endListening();
      live.end();
    },
  };
}

function routes(options: StatusPageOptions, live: Live): Router {
  const router = express.Router();
  router.use((request, response, next) => {
    response.set(HEADERS);
    if (request.method === 'GET' || request.method === 'HEAD') next();
    else response.status(405).set('allow', 'GET, HEAD').type('text/plain').send('this page is read-only: GET and HEAD\n');
  });
  for (const [path, { type, text }] of Object.entries(ASSETS)) router.get(path, (request, response) => sendAsset(request, response, { type, text }));
  router.get('/events', (request, response) => follow(request, response, live));
  router.use((request, response) => sendPage(options, request, response));
  return router;
}

/** Whoever asks for it by its version has it for ever. */
function sendAsset(request: Request, response: Response, { type, text }: { type: string; text: string }): void {
  const forEver = request.query['v'] === VERSION;
  response.set({ 'content-type': type, 'cache-control': forEver ? 'public, max-age=31536000, immutable' : 'no-cache' }).send(text);
}

function sendPage(options: StatusPageOptions, request: Request, response: Response): void {
  const place = placeAt(request.originalUrl);
  const { status, title, main } = place === undefined ? NO_SUCH_PAGE : contentOf(options, place);
  const { outlook, clock } = options;
  const events = place === undefined ? undefined : `/events?${new URLSearchParams({ of: addressOf(place) }).toString()}`;
  response.status(status).set({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.send(documentOf({ title, role: outlook.role, at: timestamp(clock), version: VERSION, events, main }).text);
}

interface Content {
  status: number;
  title: string;
  main: Html;
  /** For those who listen. */
  says: string;
}

const NO_SUCH_PAGE: Content = {
  status: 404,
  title: 'No such page · zonespread',
  main: wordsPage('There is no such page', html`Sets are at <code>/</code>, and each at <code>/sets/&lt;namespace&gt;/&lt;name&gt;</code>.`),
  says: '',
};

function contentOf({ outlook, clock }: StatusPageOptions, place: Place): Content {
  const scene: Scene = { sight: outlook.see(), role: outlook.role, complete: outlook.complete, silentMs: outlook.silentMs(), nowMs: clock.now() };
  if (place.kind === 'all') {
    const view = allView(place, scene);
    return { status: 200, title: `${view.counts.moving === 0 ? '' : `${view.counts.moving} moving · `}zonespread`, main: allPage(view), says: view.says };
  }
  const view = setView(place, scene);
  if (view === undefined) return unknownSet(place, scene);
  return { status: 200, title: `${place.name}: ${view.short.state} · ${place.namespace} · zonespread`, main: setPage(view), says: view.says };
}

function unknownSet({ namespace, name }: Extract<Place, { kind: 'set' }>, scene: Scene): Content {
  const why = 'A set shows here when it, or its namespace, has the annotation zonespread.io/zones, or when one of its ordinals was moved by hand.';
  const main = html`${remarks(remarksOn(scene))}${wordsPage('Nothing is known of this set', html`StatefulSet <bdi>${name}</bdi> in namespace <bdi>${namespace}</bdi>: no report and no move. ${why}`)}`;
  return { status: scene.complete ? 404 : 503, title: 'Unknown set · zonespread', main, says: `${name}: nothing is known of it` };
}

function pictureOf(options: StatusPageOptions, address: string): object {
  const place = placeAt(address);
  const { title, main, says } = place === undefined ? NO_SUCH_PAGE : contentOf(options, place);
  return { version: VERSION, role: ROLES[options.outlook.role], title, html: main.text, says };
}

function moment(clock: Clock): object {
  const at = timestamp(clock);
  return { at, words: clockTime(at) };
}

/** JSON has no line breaks, which would end the event. */
function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}`;
}

function follow(request: Request, response: Response, live: Live): void {
  const { of } = request.query;
  const place = typeof of === 'string' ? placeAt(of) : undefined;
  if (place === undefined) {
    response.status(404).type('text/plain').send('say which page: /events?of=/ or /events?of=/sets/<namespace>/<name>\n');
    return;
  }
  response.set({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const onlooker = live.seat(addressOf(place), { write: (text) => response.write(text), end: () => response.destroy() });
  if (onlooker === undefined) {
    response.status(503).set('retry-after', String(RETRY_AFTER_SECONDS)).type('text/plain').send(`${MOST_ONLOOKERS} are looking on already; the page itself can be reloaded\n`);
    return;
  }
  response.on('drain', () => onlooker.drained());
  response.on('close', () => onlooker.gone());
  // The other side has gone in the middle of a write: `close` follows.
  response.on('error', () => onlooker.gone());
  response.write(`retry: ${RECONNECT_MS}\n\n`);
}
