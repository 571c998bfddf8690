// One set in full: its zone map, what moves, what waits and why, the plan, what was, what is kept.

import type { ReportedBlock, ReportedMove, ReportedPlan, RetainedVolume } from '../controller/spread-report.ts';
import type { Condition } from '../kubernetes/objects.ts';
import { count, several, span } from '../standing/amounts.ts';
import { basisWords, costWords } from '../standing/plans.ts';
import { addressOf } from './addresses.ts';
import { moreLine, remarks, timeElement } from './frame.ts';
import { html, NOTHING, type Html, type Value } from './html.ts';
import type { Some } from './limits.ts';
import { moveCards } from './move-card.ts';
import type { EndedMove } from './move.ts';
import type { SetView, ZoneMap } from './view.ts';
import { countWords, legend, mapCell, stateBadge } from './zone-marks.ts';

export function setPage(view: SetView): Html {
  const { short } = view;
  return html`<nav class="trail" aria-label="Where this is"><a href="/">All sets</a> <span aria-hidden="true">/</span> <a href="${addressOf({ kind: 'all', namespace: short.namespace, open: false, after: '' })}"><bdi>${short.namespace}</bdi></a></nav>
<h1><bdi>${short.name}</bdi></h1>
${remarks(view.remarks)}
<p class="standing">${stateBadge(short.tone, short.state)} ${short.skew === undefined ? NOTHING : html`<span class="fact">skew ${short.skew}</span>`} ${view.toGo === '' ? NOTHING : html`<span class="fact">${view.toGo}</span>`}</p>
${zoneMap(view.map)}
${moveCards(view.underWay, { withSet: false, whole: true })}
${waits(short.name, view.blocked)}
${plan(short.name, view.plan, view.approved)}
${history(short.namespace, view.history)}
${retained(view.retained)}
${conditions(view.conditions)}`;
}

function zoneMap(map: ZoneMap | undefined): Html {
  if (map === undefined) return NOTHING;
  const { zones, ordinals } = map;
  const columns = ordinals.length === 0 ? html`<th scope="col">Ordinals</th>` : html`${ordinals.map((ordinal) => html`<th scope="col" class="ordinal">${ordinal}</th>`)}`;
  const rows = zones.map(({ marks, ...zone }) => {
    const at = new Map(marks.map((mark) => [mark.ordinal, mark]));
    const cells = ordinals.length === 0 ? html`<td class="ranges">${zone.ordinals === '' ? '–' : zone.ordinals}</td>` : html`${ordinals.map((ordinal) => mapCell(at.get(ordinal)))}`;
    return html`<tr data-key="${zone.zone}"><th scope="row"><bdi>${zone.zone}</bdi></th><td class="number${zone.actual === zone.desired ? '' : ' off'}">${countWords({ marks, ...zone })}</td>${cells}</tr>`;
  });
  return html`<section aria-labelledby="map" data-key="map"><h2 id="map">Zone map</h2>
${scroller('Zone map', html`<table class="map"><caption class="unseen">Which ordinal has its disks in which zone, and where it is to go</caption><thead><tr><th scope="col">Zone</th><th scope="col" class="number">Now</th>${columns}</tr></thead><tbody>${rows}</tbody></table>`)}
${ordinals.length === 0 ? NOTHING : legend()}</section>`;
}

function waits(name: string, { first, more }: Some<ReportedBlock>): Html {
  if (first.length === 0) return NOTHING;
  return html`<section aria-labelledby="waits" data-key="waits"><h2 id="waits">Why it waits</h2><dl class="waits">${first.map(
    ({ ordinals, reason, message }) => html`<div data-key="${reason} ${ordinals}"><dt><code>${reason}</code> <span class="whom"><bdi>${ordinals === '' ? 'the whole set' : `${name}-${ordinals}`}</bdi></span></dt><dd>${message}</dd></div>`,
  )}</dl>${moreLine(more, `kubectl get spreadreport ${name} -o yaml`)}</section>`;
}

function plan(name: string, planned: ReportedPlan | undefined, approved: string | undefined): Html {
  if (planned === undefined || planned.total === 0) return NOTHING;
  return html`<section aria-labelledby="plan" data-key="plan"><h2 id="plan">Plan</h2><p class="facts">${costWords(planned)}</p>
${scroller('Plan', html`<table><caption class="unseen">Moves in their order, with the reason and the cost of each</caption><thead><tr>${titles(['Move', 'From', 'To'])}${numberTitles(['GiB', 'Takes', 'Down'])}${titles(['Why'])}</tr></thead><tbody>${planned.moves.map((move) => planRow(name, move))}</tbody></table>`)}
${moreLine(planned.total - planned.moves.length, `zonespread plan ${name}`)}
<p class="facts">${basisWords(planned)} Digest <code>${planned.digest}</code>${approvalWords(planned.digest, approved)}</p></section>`;
}

function approvalWords(digest: string, approved: string | undefined): Html {
  if (approved === undefined) return NOTHING;
  return approved === digest ? html`, approved` : html`; another one is approved: <code>${approved.slice(0, 12)}</code>`;
}

function planRow(name: string, { ordinal, from, to, sizeGiB, estimatedMinutes, highMinutes, estimatedDowntimeSeconds, message, reason }: ReportedMove): Html {
  const [takes, most] = [spanOf(estimatedMinutes, 60_000), spanOf(highMinutes, 60_000)];
  return html`<tr data-key="${ordinal}"><th scope="row"><bdi>${name}-${ordinal}</bdi></th><td><bdi>${from}</bdi></td><td><bdi>${to}</bdi></td><td class="number">${sizeGiB === undefined ? '' : count(sizeGiB)}</td><td class="number">${takes}${most === '' || most === takes ? '' : ` (≤ ${most})`}</td><td class="number">${spanOf(estimatedDowntimeSeconds, 1000)}</td><td class="why">${message === undefined || message === '' ? reason : message}</td></tr>`;
}

function spanOf(value: number | undefined, unitMs: number): string {
  return value === undefined ? '' : span(value * unitMs);
}

function history(namespace: string, { first, more }: Some<EndedMove>): Html {
  if (first.length === 0) return NOTHING;
  return html`<section aria-labelledby="history" data-key="history"><h2 id="history">History</h2>
${scroller('History', html`<table><caption class="unseen">Moves that have ended, the newest first</caption><thead><tr>${titles(['Move', 'Outcome', 'From', 'To'])}${numberTitles(['Took', 'Down'])}${titles(['Ended', 'Steps'])}</tr></thead><tbody>${first.map((move) => historyRow(move))}</tbody></table>`)}
${moreLine(more, `kubectl get ordinalmigrations -n ${namespace}`)}</section>`;
}

function historyRow({ record, pod, from, to, tone, outcome, message, took, down, finishedAt, steps }: EndedMove): Html {
  return html`<tr data-key="${record}"><th scope="row"><bdi>${pod}</bdi></th><td>${stateBadge(tone, outcome)}${message === '' ? NOTHING : html`<p class="message">${message}</p>`}</td><td><bdi>${from}</bdi></td><td><bdi>${to}</bdi></td><td class="number">${took}</td><td class="number">${down}</td><td>${timeElement(finishedAt)}</td><td>${stepDetails(pod, steps)}</td></tr>`;
}

function stepDetails(pod: string, steps: EndedMove['steps']): Html {
  if (steps.length === 0) return NOTHING;
  return html`<details><summary>${several(steps.length, 'step')}<span class="unseen"> of ${pod}</span></summary><ol class="taken">${steps.map(({ name, took, outcome }) => html`<li>${name} <span class="facts">${took}${outcome === 'Done' || outcome === '' ? '' : ` ${outcome}`}</span></li>`)}</ol></details>`;
}

function retained({ first, more }: Some<RetainedVolume>): Html {
  if (first.length === 0) return NOTHING;
  const rows = first.map(({ pv, diskId, sizeGiB, until, zone }) => html`<tr data-key="${diskId}"><th scope="row"><code>${diskId}</code></th><td><code>${pv}</code></td><td><bdi>${zone}</bdi></td><td class="number">${count(sizeGiB)}</td><td>${until === 'forever' ? until : timeElement(until)}</td></tr>`);
  return html`<section aria-labelledby="retained" data-key="retained"><h2 id="retained">Old disks that are kept</h2>
${scroller('Old disks that are kept', html`<table><caption class="unseen">Disks that ordinals have left, and until when they are kept</caption><thead><tr>${titles(['Disk', 'Volume', 'Zone'])}${numberTitles(['GiB'])}${titles(['Kept until'])}</tr></thead><tbody>${rows}</tbody></table>`)}
${moreLine(more, 'zonespread retained')}</section>`;
}

function conditions(all: readonly Condition[]): Html {
  if (all.length === 0) return NOTHING;
  const rows = all.map(({ type, status, reason, message, lastTransitionTime }) => html`<tr data-key="${type}"><th scope="row">${type}</th><td>${status}</td><td>${reason}</td><td class="why">${message}</td><td>${timeElement(lastTransitionTime ?? '')}</td></tr>`);
  return html`<section aria-labelledby="conditions" data-key="conditions"><h2 id="conditions">Conditions</h2>
${scroller('Conditions', html`<table><caption class="unseen">Conditions of the SpreadReport</caption><thead><tr>${titles(['Condition', 'Status', 'Reason', 'Message', 'Since'])}</tr></thead><tbody>${rows}</tbody></table>`)}</section>`;
}

function titles(names: readonly string[]): Value {
  return names.map((name) => html`<th scope="col">${name}</th>`);
}

function numberTitles(names: readonly string[]): Value {
  return names.map((name) => html`<th scope="col" class="number">${name}</th>`);
}

/** Wide tables scroll by themselves, with the keyboard too, and not the page. */
function scroller(name: string, table: Html): Html {
  return html`<div class="scroller" role="group" aria-label="${name}, scrollable" tabindex="0">${table}</div>`;
}
