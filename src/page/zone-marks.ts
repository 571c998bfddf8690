// Ordinals as marks: what becomes of each is told by its outline and a sign, never by colour alone.

import type { Mark } from '../standing/zone-marks.ts';
import { html, NOTHING, type Html } from './html.ts';
import { MARKS_IN_A_ZONE } from './limits.ts';
import type { ZoneInShort } from './set-in-short.ts';

const SIGNS: Record<Mark['fate'], string> = { stays: '', leaves: '↗', comes: '→' };
const WORDS: Record<Mark['fate'], string> = { stays: 'is here', leaves: 'is to leave', comes: 'is to come' };

/** For eyes; whoever listens gets the zone's words. */
export function markStrip({ marks, ordinals, actual }: ZoneInShort): Html {
  if (marks.length === 0 && actual === 0) return html`<span class="none">–</span>`;
  // Too many, or more than can be read back.
  if (marks.length === 0 || marks.length > MARKS_IN_A_ZONE) {
    const coming = marks.filter(({ fate }) => fate === 'comes').length;
    return html`<span class="ranges">${ordinals}${coming === 0 ? '' : ` → ${coming}`}</span>`;
  }
  return html`${marks.map((mark) => html`<span class="${classOf(mark)}">${SIGNS[mark.fate]}${mark.ordinal}</span>`)}`;
}

export function classOf({ fate, moving }: Mark): string {
  return `mark ${fate}${moving ? ' moving' : ''}`;
}

/** Of one zone and ordinal in the map. */
export function mapCell(mark: Mark | undefined): Html {
  if (mark === undefined) return html`<td><span class="unseen">not here</span></td>`;
  const words = `${WORDS[mark.fate]}${mark.moving ? ', moving now' : ''}`;
  return html`<td><span class="${classOf(mark)}"><span aria-hidden="true">${mark.fate === 'stays' ? '●' : SIGNS[mark.fate]}</span><span class="unseen">${words}</span></span></td>`;
}

export function countWords({ actual, desired }: ZoneInShort): Html {
  return actual === desired ? html`${actual}` : html`${actual}<span class="wanted"> of ${desired}<span class="roomy"> wanted</span></span>`;
}

export function legend(): Html {
  const entry = (mark: Mark, sign: string, words: string): Html => html`<li><span class="${classOf(mark)}" aria-hidden="true">${sign}</span> ${words}</li>`;
  return html`<ul class="legend" role="list">${entry({ ordinal: 0, fate: 'stays', moving: false }, '●', 'here')}${entry({ ordinal: 0, fate: 'leaves', moving: false }, SIGNS.leaves, 'to leave')}${entry({ ordinal: 0, fate: 'comes', moving: false }, SIGNS.comes, 'to come')}${entry({ ordinal: 0, fate: 'comes', moving: true }, SIGNS.comes, 'moving now')}</ul>`;
}

const TONE_SIGNS = { good: '✓', busy: '◐', bad: '!', idle: '–' } as const;

/** The words say what the sign does. */
export function stateBadge(tone: keyof typeof TONE_SIGNS, words: string): Html {
  return words === '' ? NOTHING : html`<span class="state ${tone}"><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>${words}</span>`;
}
