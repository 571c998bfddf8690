// A move under way, as a card: what it does, how far it is, how long it still takes.

import { html, NOTHING, type Html } from './html.ts';
import { moreLine } from './frame.ts';
import type { Some } from './limits.ts';
import type { MoveUnderWay } from './move.ts';
import { stateBadge } from './zone-marks.ts';

export interface CardDetail {
  /** Which namespace and set, for pages that show many. */
  withSet: boolean;
  /** Steps and disks. */
  whole: boolean;
}

export function moveCards({ first, more }: Some<MoveUnderWay>, detail: CardDetail): Html {
  if (first.length === 0) return NOTHING;
  return html`<section aria-labelledby="under-way" data-key="under-way"><h2 id="under-way">Under way</h2><ul class="cards" role="list">${first.map((move) => card(move, detail))}</ul>${moreLine(more, 'kubectl get ordinalmigrations -A')}</section>`;
}

function card(move: MoveUnderWay, { withSet, whole }: CardDetail): Html {
  const { namespace, pod, set, from, to, phase, tone, saying } = move;
  const title = withSet ? html`<a href="${set.address}"><bdi>${namespace}</bdi>/<bdi>${pod}</bdi></a>` : html`<bdi>${pod}</bdi>`;
  return html`<li class="card ${tone}" data-key="${namespace}/${move.record}">
<div class="card-head"><h3>${title}</h3><p class="journey">${from === '' ? NOTHING : html`<bdi>${from}</bdi>`} <span aria-hidden="true">→</span><span class="unseen"> to </span> <bdi>${to}</bdi></p>${phase === '' ? NOTHING : html`<p>${stateBadge(tone, phase)}</p>`}</div>
<p class="saying">${saying}</p>
${progressRow(move)}
${whole ? html`${stepList(move)}${diskList(move)}<p class="facts">Why: ${move.why}. Record: <code>${move.record}</code></p>` : NOTHING}
</li>`;
}

function progressRow({ pod, progress, down, left }: MoveUnderWay): Html {
  if (progress === undefined) return NOTHING;
  const times = [down, left].filter((words) => words !== '');
  return html`<p class="progress"><progress max="100" value="${progress}" aria-label="Progress of ${pod}">${progress} %</progress> <span class="percent" aria-hidden="true">${progress} %</span>${times.map((words) => html` <span class="time">${words}</span>`)}</p>`;
}

function stepList({ steps, pod }: MoveUnderWay): Html {
  if (steps.length === 0) return NOTHING;
  return html`<ol class="steps" role="list" aria-label="Steps of the move of ${pod}">${steps.map(
    ({ name, words, state }) => html`<li class="${state === 'to come' ? 'next' : state}" title="${words}"${state === 'now' ? html` aria-current="step"` : NOTHING}>${name}<span class="unseen"> (${state})</span></li>`,
  )}</ol>`;
}

function diskList({ disks }: MoveUnderWay): Html {
  if (disks.length === 0) return NOTHING;
  return html`<ul class="disks" role="list">${disks.map(({ claim, sizeGiB, from, to }) => html`<li><bdi>${claim}</bdi>, ${sizeGiB} GiB: <code>${from}</code> <span aria-hidden="true">→</span><span class="unseen"> to </span> ${to === undefined ? 'a disk that is not made yet' : html`<code>${to}</code>`}</li>`)}</ul>`;
}
