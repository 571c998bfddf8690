// How the page looks: calm and dense, light and dark, down to a telephone's width. Text has a contrast of at least 4.5:1 in both, which a
// test computes in a real browser.

export const STYLE = `
:root {
  --ground: #f5f6f8; --surface: #ffffff; --raised: #eef1f5; --ink: #1a2029; --faint: #55606e; --line: #d8dde4; --shade: #1a202940; --accent: #1b57b0;
  --good: #0a6638; --good-tint: #e3f4ea; --busy: #7d4a00; --busy-tint: #fdf1dc; --bad: #a8211a; --bad-tint: #fde8e6;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1217; --surface: #161b22; --raised: #1f2630; --ink: #e4e9f0; --faint: #9ba7b6; --line: #2c3440; --shade: #000000b0; --accent: #82b4ff;
    --good: #63d297; --good-tint: #11301f; --busy: #f0b85c; --busy-tint: #33270f; --bad: #ff9088; --bad-tint: #3b1816;
  }
}
* { box-sizing: border-box; }
html { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; background: var(--ground); color: var(--ink); }
body { margin: 0; overflow-wrap: anywhere; }
main { max-width: 84rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; outline: none; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: .25rem 0 .75rem; font-weight: 650; }
h2 { font-size: .95rem; margin: 1.75rem 0 .5rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 0; font-weight: 650; }
p { margin: .25rem 0; }
ul, ol { margin: 0; padding: 0; list-style: none; }
a { color: var(--accent); text-underline-offset: .15em; }
code { font: .92em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: .5rem; top: -4rem; padding: .5rem .75rem; background: var(--surface); border: 1px solid var(--line); border-radius: 6px; z-index: 2; }
.skip:focus { top: .5rem; }

.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; padding: .55rem 1.25rem; background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; color: var(--ink); text-decoration: none; letter-spacing: -.01em; }
.role { font-size: .8rem; padding: 0 .5rem; border: 1px solid var(--line); border-radius: 99px; color: var(--faint); }
.live { margin: 0 0 0 auto; font-size: .85rem; color: var(--faint); }
#live::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .4em; border-radius: 50%; border: 1.5px solid var(--faint); }
#live[data-live="on"] { color: var(--good); }
#live[data-live="on"]::before { background: var(--good); border-color: var(--good); }
#live[data-live="lost"] { color: var(--bad); }
.at { font-variant-numeric: tabular-nums; margin-left: .5rem; white-space: nowrap; }

.cautions li { padding: .5rem .75rem; margin: 0 0 .5rem; background: var(--busy-tint); color: var(--busy); border-left: 3px solid var(--busy); border-radius: 0 6px 6px 0; }
.note { padding: .4rem .75rem; margin: 0 0 .75rem; background: var(--raised); border-radius: 6px; }
.counts { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; color: var(--faint); margin-bottom: .75rem; }
.counts b { font-size: 1.2rem; color: var(--ink); font-variant-numeric: tabular-nums; font-weight: 650; }
.counts .nil b { color: var(--faint); }
.counts .good b { color: var(--good); } .counts .busy b { color: var(--busy); } .counts .bad b { color: var(--bad); }
.filter { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .75rem; font-size: .9rem; color: var(--faint); }
.filter input:not([type=checkbox]) { font: inherit; color: var(--ink); background: var(--surface); border: 1px solid var(--faint); border-radius: 6px; padding: .2rem .5rem; width: 14rem; max-width: 100%; }
.filter button { font: inherit; color: var(--ink); background: var(--raised); border: 1px solid var(--faint); border-radius: 6px; padding: .2rem .75rem; cursor: pointer; }
.check { display: inline-flex; align-items: center; gap: .35rem; }
.evacuations li { padding: .15rem 0; }
.facts, .more, .namespace { color: var(--faint); font-size: .9rem; }

.state { display: inline-flex; align-items: baseline; min-width: 0; gap: .4rem; font-weight: 550; }
.sign { flex: none; display: inline-grid; place-items: center; width: 1.25em; height: 1.25em; border-radius: 50%; font-size: .78em; font-weight: 700; }
.state.good { color: var(--good); } .state.good .sign { background: var(--good-tint); }
.state.busy { color: var(--busy); } .state.busy .sign { background: var(--busy-tint); }
.state.bad { color: var(--bad); } .state.bad .sign { background: var(--bad-tint); }
.state.idle { color: var(--faint); } .state.idle .sign { background: var(--raised); }

.sets, .cards { display: grid; gap: .5rem; }
.set, .card { background: var(--surface); border: 1px solid var(--line); border-left: 3px solid var(--line); border-radius: 6px; padding: .6rem .85rem; }
.set.good { border-left-color: var(--good); } .set.busy, .card.busy { border-left-color: var(--busy); } .set.bad, .card.bad { border-left-color: var(--bad); }
.set { display: grid; grid-template-columns: minmax(0, 14rem) minmax(0, 1fr) minmax(0, 22rem); gap: .25rem 1.5rem; align-items: start; }
.set p { margin: 0; }
.who { min-width: 0; }
.zones { display: grid; grid-template-columns: fit-content(16rem) max-content minmax(0, 1fr); gap: .25rem .9rem; }
.zones li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: baseline; }
.zone { min-width: 6rem; font-size: .92rem; }
.count { font-variant-numeric: tabular-nums; text-align: right; min-width: 1.5rem; }
.count.off, .number.off { color: var(--busy); font-weight: 600; }
.wanted { font-size: .85em; font-weight: 400; }
.marks { display: flex; flex-wrap: wrap; gap: .25rem; min-width: 0; }
.mark { display: inline-block; min-width: 1.75rem; padding: 0 .3rem; text-align: center; font-size: .82rem; line-height: 1.35rem; font-variant-numeric: tabular-nums; border-radius: 4px; border: 1px solid transparent; }
.mark.stays { background: var(--good-tint); color: var(--good); }
.mark.leaves { background: var(--busy-tint); color: var(--busy); border: 1px dashed var(--busy); }
.mark.comes { color: var(--accent); border: 1px dotted var(--accent); }
.mark.moving { border-style: solid; border-width: 2px; line-height: calc(1.35rem - 2px); font-weight: 700; animation: breathe 2.4s ease-in-out infinite; }
.none, .ranges { color: var(--faint); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: .5rem; font-size: .85rem; color: var(--faint); }
@keyframes breathe { 50% { box-shadow: 0 0 0 3px color-mix(in srgb, currentColor 25%, transparent); } }

.card-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .9rem; }
.card-head p { margin: 0; }
.saying { color: var(--faint); }
.progress { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; font-variant-numeric: tabular-nums; }
progress { appearance: none; flex: 1 1 12rem; max-width: 32rem; height: .5rem; border: 0; border-radius: 99px; background: var(--raised); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--raised); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 99px; transition: inline-size .6s; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 99px; }
.time { color: var(--faint); }
.steps { display: flex; flex-wrap: wrap; gap: .25rem; margin: .5rem 0 .25rem; font-size: .82rem; }
.steps li { padding: .05rem .5rem; border-radius: 4px; border: 1px solid var(--line); color: var(--faint); }
.steps .done { background: var(--good-tint); color: var(--good); border-color: transparent; }
.steps .done::before { content: "✓ " / ""; }
.steps .now { background: var(--accent); border-color: var(--accent); color: var(--surface); font-weight: 650; }
.disks { color: var(--faint); font-size: .9rem; }

.trail { font-size: .9rem; color: var(--faint); }
.standing { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; }
.fact { color: var(--faint); }
/* A shadow where there is more to the side. */
.scroller { position: relative; overflow-x: auto;
  background: linear-gradient(to right, var(--surface) 40%, transparent) left / 3rem 100% no-repeat local, linear-gradient(to left, var(--surface) 40%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 1rem 100% no-repeat scroll, linear-gradient(to left, var(--shade), transparent) right / 1rem 100% no-repeat scroll, var(--surface);
  border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { min-width: 9rem; text-align: left; padding: .4rem .75rem; vertical-align: baseline; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: .82rem; font-weight: 550; color: var(--faint); white-space: nowrap; }
tbody th { font-weight: 600; max-width: 22rem; }
td { max-width: 34rem; }
.number { min-width: 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.why { min-width: 16rem; }
.message { color: var(--faint); min-width: 14rem; }
td time { white-space: nowrap; }
.scroller:has(.map) { width: fit-content; max-width: 100%; }
.map { width: auto; }
.map th.ordinal, .map td:nth-child(n+3) { min-width: 0; text-align: center; padding: .3rem .3rem; }
.map .ranges { text-align: left; }
.map th:first-child { min-width: 9rem; max-width: 14rem; }
summary { cursor: pointer; color: var(--accent); white-space: nowrap; }
.taken { padding: .25rem 0; min-width: 12rem; }
.waits { margin: 0; }
.waits > div { background: var(--surface); border: 1px solid var(--line); border-left: 3px solid var(--busy); border-radius: 6px; padding: .5rem .85rem; margin-bottom: .5rem; }
.waits dt { font-weight: 600; color: var(--busy); }
.whom { color: var(--faint); font-weight: 400; margin-left: .5rem; }
.waits dd { margin: .15rem 0 0; max-width: 70rem; }
nav[aria-label="Pages"] { display: flex; gap: 1.25rem; margin-top: .75rem; }

@media (max-width: 56rem) {
  .set { grid-template-columns: minmax(0, 1fr); }
  .live { margin-left: 0; flex-basis: 100%; }
}
@media (max-width: 34rem) {
  main { padding: .75rem .75rem 2rem; }
  .bar { padding: .55rem .75rem; }
  th, td { min-width: 8.5rem; padding: .35rem .5rem; }
  .why { min-width: 20rem; }
  .map th:first-child { min-width: 0; }
  .map .roomy { display: none; }
  .zones { grid-template-columns: minmax(0, 1fr) max-content; }
  .marks { grid-column: 1 / -1; }
  .marks { margin-bottom: .25rem; }
  .filter input:not([type=checkbox]) { width: 100%; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@media print { .bar, .filter, .skip { display: none; } }
`.trimStart();

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1b57b0"/><g fill="#fff"><circle cx="4" cy="4" r="1.7"/><circle cx="8" cy="8" r="1.7"/><circle cx="12" cy="12" r="1.7"/></g></svg>`;
