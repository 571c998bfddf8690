// A real Chromium without a window, and what it can be asked about a page.

import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

const CHROMIUM = process.env['ZONESPREAD_CHROMIUM'] ?? '/usr/bin/chromium';

/** @throws Error that says what to install. */
export function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}, and the status page is tested in a real one: apt install chromium, or say where one is by ZONESPREAD_CHROMIUM`);
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
}

export interface Trouble {
  /** Errors of the console, which violations of the Content-Security-Policy are, and exceptions. */
  errors: string[];
  /** Requests to anywhere but the page's own origin. */
  strangers: string[];
}

/** From now on. */
export function watchTrouble(page: Page, origin: string): Trouble {
  const trouble: Trouble = { errors: [], strangers: [] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') trouble.errors.push(message.text());
  });
  page.on('pageerror', (error) => trouble.errors.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) trouble.strangers.push(request.url());
  });
  return trouble;
}

/** What a JavaScript expression is worth in the page; the tests know no browser's types. */
export function ask<T>(page: Page, expression: string): Promise<T> {
  return page.evaluate<T>(expression);
}

/** Texts with too little contrast to what is behind them (WCAG 2.2, 1.4.3: 4.5:1; 3:1 for large), by computed style: `1.2:1 some text`. */
export function faintTexts(page: Page): Promise<string[]> {
  return ask(page, FAINT_TEXTS);
}

const FAINT_TEXTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((value, at) => value * top[3] + below[at] * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (text === '' || !element.checkVisibility({ visibilityProperty: true }) || element.closest('.unseen, datalist, script')) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const ratio = contrast(over(rgba(style.color), ground), ground);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(ratio.toFixed(2) + ':1 ' + text.slice(0, 60));
  }
  return found;
})()`;
