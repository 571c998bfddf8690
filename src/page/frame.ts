// What every page has around its content: head, the bar at the top, and how it says whether it is live.

import type { Role } from '../controller/outlook.ts';
import type { Remarks } from './view.ts';
import { html, NOTHING, type Html } from './html.ts';

export interface Frame {
  title: string;
  role: Role;
  /** RFC 3339. */
  at: string;
  /** Of the assets: a page that has others is reloaded, some time. */
  version: string;
  /** Where its live pictures come from; undefined: it has none. */
  events: string | undefined;
  main: Html;
}

/** What the bar says of this replica. */
export const ROLES: Record<Role, string> = { starting: 'starting', waiting: 'stand-by', leading: 'leader' };

export function documentOf({ title, role, at, version, events, main }: Frame): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="/page.svg?v=${version}" type="image/svg+xml">
<link rel="stylesheet" href="/page.css?v=${version}">
<script src="/page.js?v=${version}" defer></script>
</head>
<body data-version="${version}"${events === undefined ? NOTHING : html` data-events="${events}"`}>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<a class="brand" href="/">zonespread</a>
<span class="role" title="This replica of the controller"><span class="unseen">This replica: </span><span id="role">${ROLES[role]}</span></span>
<p class="live"><span id="live" data-live="off">not live: reload to see it anew</span> <span class="at">as of <time id="at" datetime="${at}">${clockTime(at)}</time></span></p>
</header>
<div id="says" class="unseen" role="status" aria-live="polite"></div>
<main id="main" tabindex="-1">${main}</main>
</body>
</html>
`;
}

/** `2026-11-20 10:00:05 UTC`; what is no such time as it is. */
export function clockTime(time: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(time) ? `${time.slice(0, 10)} ${time.slice(11, 19)} UTC` : time;
}

export function timeElement(time: string): Html {
  return time === '' ? NOTHING : html`<time datetime="${time}">${clockTime(time)}</time>`;
}

export function remarks({ cautions, note }: Remarks): Html {
  return html`${note === undefined ? NOTHING : html`<p class="note">${note}</p>`}${cautions.length === 0 ? NOTHING : html`<ul class="cautions" role="list">${cautions.map((words) => html`<li>${words}</li>`)}</ul>`}`;
}

/** Undefined where nothing was left out. */
export function moreLine(more: number, where: string): Html | undefined {
  return more === 0 ? undefined : html`<p class="more">and ${more} more: <code>${where}</code></p>`;
}

export function wordsPage(heading: string, ...paragraphs: readonly (string | Html)[]): Html {
  return html`<h1>${heading}</h1>${paragraphs.map((words) => html`<p>${words}</p>`)}<p><a href="/">All sets</a></p>`;
}
