// The overview: every set in a line of its own, with its zones and what becomes of each ordinal; above them what moves.

import { several } from '../standing/amounts.ts';
import type { Tone } from '../standing/sets.ts';
import { addressOf } from './addresses.ts';
import { remarks } from './frame.ts';
import { html, NOTHING, type Html } from './html.ts';
import { moveCards } from './move-card.ts';
import type { SetInShort, ZoneInShort } from './set-in-short.ts';
import type { AllView } from './view.ts';
import { countWords, markStrip, stateBadge } from './zone-marks.ts';

export function allPage(view: AllView): Html {
  const { counts, place } = view;
  return html`<h1>Sets${place.namespace === '' ? NOTHING : html` of <bdi>${place.namespace}</bdi>`}</h1>
${remarks(view.remarks)}
<ul class="counts" role="list"><li><b>${counts.sets}</b> ${counts.sets === 1 ? 'set' : 'sets'}</li>${countItem('good', counts.asDeclared, 'as declared')}${countItem('busy', counts.moving, 'moving')}${countItem('bad', counts.attention, 'to look at')}</ul>
${filterForm(view)}
${evacuationList(view.evacuations)}
${moveCards(view.underWay, { withSet: true, whole: false })}
${setList(view)}`;
}

function countItem(tone: Tone, of: number, words: string): Html {
  return html`<li class="${of === 0 ? 'nil' : tone}"><b>${of}</b> ${words}</li>`;
}

function filterForm({ place, namespaces }: AllView): Html {
  return html`<form class="filter" method="get" action="/" role="search" aria-label="Filter sets" data-key="filter">
<label for="namespace">Namespace</label> <input id="namespace" name="namespace" list="namespaces" value="${place.namespace}" autocomplete="off" spellcheck="false">
<datalist id="namespaces">${namespaces.map((name) => html`<option value="${name}"></option>`)}</datalist>
<label class="check"><input type="checkbox" name="only" value="open"${place.open ? html` checked` : NOTHING}> only what is not as declared</label>
<button type="submit">Show</button>${place.namespace !== '' || place.open ? html` <a href="/">All</a>` : NOTHING}
</form>`;
}

function evacuationList(evacuations: AllView['evacuations']): Html {
  if (evacuations.length === 0) return NOTHING;
  return html`<section aria-labelledby="evacuations" data-key="evacuations"><h2 id="evacuations">Zones being evacuated</h2><ul class="evacuations" role="list">${evacuations.map(({ name, zone, words }) => html`<li data-key="${name}"><b><bdi>${zone}</bdi></b> ${words}</li>`)}</ul></section>`;
}

function setList({ sets, next, place, counts }: AllView): Html {
  if (sets.length === 0) return nothing(place, counts);
  return html`<section aria-labelledby="sets" data-key="sets"><h2 id="sets">Zone maps</h2>
<ul class="sets" role="list">${sets.map((set) => setLine(set))}</ul>
<nav aria-label="Pages">${place.after === '' ? NOTHING : html`<a href="${addressOf({ ...place, after: '' })}" data-key="first">First page</a>`} ${next === undefined ? NOTHING : html`<a href="${next}" data-key="next" rel="next">Next page</a>`}</nav></section>`;
}

function nothing(place: AllView['place'], counts: AllView['counts']): Html {
  if (place.after !== '') return html`<p>There are no more sets. <a href="${addressOf({ ...place, after: '' })}">First page</a></p>`;
  if (place.open && counts.sets > 0) return html`<p>All ${several(counts.sets, 'set')} are as declared.</p>`;
  return html`<p>No StatefulSet ${place.namespace === '' ? 'in any namespace' : html`in namespace <bdi>${place.namespace}</bdi>`} has the annotation <code>zonespread.io/zones</code>. To have one kept: <code>kubectl annotate statefulset &lt;name&gt; zonespread.io/zones=&lt;zone&gt;,&lt;zone&gt;</code></p>`;
}

function setLine({ namespace, name, address, state, tone, skew, planned, zones }: SetInShort): Html {
  return html`<li class="set ${tone}" data-key="${namespace}/${name}">
<div class="who"><h3><a href="${address}"><bdi>${name}</bdi></a></h3><p class="namespace"><span class="unseen">in namespace </span><bdi>${namespace}</bdi></p></div>
<ul class="zones" role="list">${zones.map((zone) => zoneLine(zone))}</ul>
<div class="how"><p>${stateBadge(tone, state)}</p>${skew === undefined ? NOTHING : html`<p class="facts">skew ${skew}${planned === 0 ? '' : `, ${several(planned, 'move')} planned`}</p>`}</div>
</li>`;
}

function zoneLine(zone: ZoneInShort): Html {
  return html`<li data-key="${zone.zone}"><span class="zone"><bdi>${zone.zone}</bdi></span> <span class="count${zone.actual === zone.desired ? '' : ' off'}" aria-hidden="true">${countWords(zone)}</span> <span class="marks" aria-hidden="true">${markStrip(zone)}</span><span class="unseen">${zone.words}</span></li>`;
}
