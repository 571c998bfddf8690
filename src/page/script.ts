// What runs in the browser: takes the newest picture from the event stream into the page, element by element, so that focus, scroll
// position and what is unfolded stay where they are. Without it the page works all the same, and shows what was true when it was loaded.

export const SCRIPT = String.raw`'use strict';
(() => {
  const RETRY_MS = 30000;
  const RELOAD_AFTER_MS = 60000;
  const SAY_EVERY_MS = 5000;
  const { events, version } = document.body.dataset;
  if (!events) return;
  const main = document.getElementById('main');
  const live = document.getElementById('live');
  const at = document.getElementById('at');
  const says = document.getElementById('says');
  const role = document.getElementById('role');
  let source;
  let retry;
  let words;
  let waiting;

  const show = (state, text) => {
    live.dataset.live = state;
    live.textContent = text;
  };

  // Politely: at most one sentence in five seconds, and always the newest.
  const say = (text) => {
    if (waiting !== undefined) {
      waiting = text;
      return;
    }
    says.textContent = text;
    waiting = '';
    setTimeout(() => {
      const next = waiting;
      waiting = undefined;
      if (next) say(next);
    }, SAY_EVERY_MS);
  };

  const keyOf = (node) => (node.nodeType === 1 ? node.dataset.key || node.id : '');
  const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  const syncAttributes = (old, next) => {
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS')) old.removeAttribute(name);
  };

  const syncChildren = (old, next) => {
    const wanted = new Set([...next.childNodes].map(keyOf));
    // What goes, goes first: so nothing that stays has to be moved for it.
    for (const child of [...old.childNodes]) if (keyOf(child) !== '' && !wanted.has(keyOf(child))) child.remove();
    let place = old.firstChild;
    for (const child of [...next.childNodes]) {
      let match = place;
      while (match && !alike(match, child)) match = match.nextSibling;
      if (!match) old.insertBefore(document.importNode(child, true), place);
      else {
        if (match === place) place = place.nextSibling;
        else old.insertBefore(match, place);
        sync(match, child);
      }
    }
    while (place) {
      const after = place.nextSibling;
      place.remove();
      place = after;
    }
  };

  const sync = (old, next) => {
    if (old.nodeType !== 1) {
      if (old.data !== next.data) old.data = next.data;
      return;
    }
    // What a person types is theirs.
    if (old.nodeName === 'FORM') return;
    syncAttributes(old, next);
    syncChildren(old, next);
  };

  const take = (picture) => {
    // Of another version of the product. Not at once: in the middle of an upgrade the next answer may be of the old one again.
    if (picture.version !== version && performance.now() > RELOAD_AFTER_MS) return location.reload();
    const focused = document.activeElement;
    syncChildren(main, new DOMParser().parseFromString(picture.html, 'text/html').body);
    if (focused && focused !== document.activeElement) (focused.isConnected ? focused : main).focus({ preventScroll: true });
    document.title = picture.title;
    role.textContent = picture.role;
    if (words !== undefined && words !== picture.says) say(picture.says);
    words = picture.says;
  };

  const beat = (time) => {
    at.dateTime = time.at;
    at.textContent = time.words;
    show('on', 'live');
  };

  const close = () => {
    clearTimeout(retry);
    if (source) source.close();
    show('off', 'not live');
  };

  const open = () => {
    close();
    show('off', 'connecting');
    source = new EventSource(events);
    source.addEventListener('open', () => show('on', 'live'));
    source.addEventListener('picture', (event) => take(JSON.parse(event.data)));
    source.addEventListener('beat', (event) => beat(JSON.parse(event.data)));
    source.addEventListener('error', () => {
      if (live.dataset.live === 'on') say('The page is no longer live.');
      show('lost', 'not live: trying again');
      // Refused for good, as far as the browser is concerned; nobody else tries again.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    });
  };

  // A browser has few connections for one place, and nobody looks at a hidden tab.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') open();
    else close();
  });
  if (document.visibilityState === 'visible') open();
})();
`;
