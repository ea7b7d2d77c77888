// Fetches the page again when the server says that something has changed, and puts its live parts in place. Pages are
// whole without it.
'use strict';

(() => {
  const updateStatus = document.getElementById('update-status');
  const parts = document.querySelectorAll('[data-live]');
  if (!parts.length || !window.EventSource) return;

  let shown = Number(updateStatus.dataset.stateVersion);
  let newest = shown;
  let busy = false;
  let events = null;

  const say = (text) => {
    if (updateStatus.textContent !== text) updateStatus.textContent = text;
  };

  // Puts the new content of a part in place, unless it is the same; where somebody is in it, they stay there.
  const replace = (part, fresh) => {
    if (part.innerHTML === fresh.innerHTML) return;
    const places = [...part.querySelectorAll('.scroll, pre')].map((it) => [it.scrollTop, it.scrollLeft]);
    const inside = part.contains(document.activeElement) ? document.activeElement : null;
    const at = inside ? [...part.querySelectorAll(inside.localName)].indexOf(inside) : -1;
    const href = inside ? inside.getAttribute('href') : null;
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll('.scroll, pre').forEach((it, index) => {
      if (places[index]) [it.scrollTop, it.scrollLeft] = places[index];
    });
    if (!inside) return;
    const alike = [...part.querySelectorAll(inside.localName)];
    const same = href === null ? alike[at] : alike.find((it) => it.getAttribute('href') === href);
    if (same) same.focus({ preventScroll: true });
  };

  // What a step prints is no change of the database: its page is fetched again while it runs.
  const runs = () => [...parts].some((part) => part.querySelector('[data-running]'));

  const refresh = async () => {
    if (busy || (newest === shown && !runs())) return;
    busy = true;
    const wanted = newest;
    try {
      const answer = await fetch(updateStatus.dataset.refreshUrl || location.href, { credentials: 'same-origin', redirect: 'error' });
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const part of parts) {
        const its = fresh.getElementById(part.id);
        if (its) replace(part, its);
      }
      shown = wanted;
      say(`Follows what changes; last at ${new Date().toLocaleTimeString()}`);
    } catch {
      say('Could not be brought up to date');
    }
    // Not more often than people can read.
    setTimeout(() => { busy = false; if (!document.hidden) refresh(); }, runs() ? 1000 : 500);
  };

  const listen = () => {
    if (document.hidden) {
      if (events) events.close();
      events = null;
    } else if (!events) {
      events = new EventSource('live');
      events.addEventListener('state', (event) => {
        newest = Number(event.data);
        if (newest === shown && !updateStatus.textContent) say('Follows what changes');
        refresh();
      });
      events.addEventListener('error', () => say('The server does not answer; this may be out of date'));
      events.addEventListener('open', () => say('Follows what changes'));
    }
  };

  document.addEventListener('visibilitychange', listen);
  addEventListener('pagehide', () => { if (events) events.close(); events = null; });
  addEventListener('pageshow', listen);
  listen();
})();
