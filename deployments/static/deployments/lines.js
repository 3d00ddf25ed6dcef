"use strict";
// Keeps the list of deployments and the overview true while somebody looks: asks every few seconds,
// less often while nothing moves, puts the server's own lines and numbers in their places, and says
// when there is more that only a reload shows.
(() => {
  const note = document.querySelector("[data-lines-note]");
  if (!note) return;

  const MOVING_MS = 4_000;
  const RESTING_MS = 15_000;
  const words = note.querySelector("[data-live-words]");
  const news = note.querySelector("[data-lines-news]");
  const known = new Map();
  let moving = note.hasAttribute("data-moving");
  let calm = words.innerHTML;
  let heard = Date.now();
  let refused = "";
  let timer = 0;

  const pause = () => (moving ? MOVING_MS : RESTING_MS);

  function fresh(html, selector) {
    const made = document.createElement("template");
    made.innerHTML = html;
    const element = made.content.querySelector(selector);
    window.portal?.dress(element);
    return element;
  }

  function put(old, html, selector) {
    const key = old.dataset.line ?? selector;
    if (known.get(key) === html) return;
    known.set(key, html);
    const made = fresh(html, selector);
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceWith(made);
    if (focused) made.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  function show(answer) {
    heard = Date.now();
    ({ moving, note: calm } = answer);
    for (const row of document.querySelectorAll("[data-line]")) {
      // One that is in no list any more was deleted.
      if (row.dataset.line in answer.lines) put(row, answer.lines[row.dataset.line], "tr");
      else row.remove();
    }
    const tiles = document.querySelector("[data-tiles]");
    if (tiles && answer.tiles) put(tiles, answer.tiles, "[data-tiles]");
    if (news.textContent !== answer.news) news.textContent = answer.news;
    news.hidden = !answer.news;
  }

  function say(state, text) {
    note.dataset.liveState = state;
    words.textContent = text;
  }

  function tell() {
    if (document.hidden) return;
    const age = Date.now() - heard;
    const since = age < 2_000 ? "just now" : `${Math.round(age / 1_000)} s ago`;
    if (refused) say("refused", refused);
    else if (age > MOVING_MS + 2 * pause()) say("stale", `Connection lost, trying again (updated ${since})`);
    else if (moving) say("live", `Live, updated ${since}`);
    else if (note.dataset.liveState !== "paint" || note.dataset.at !== String(heard)) rest();
  }

  function rest() {
    note.dataset.liveState = "paint";
    note.dataset.at = String(heard);
    words.innerHTML = calm;
    window.portal?.dress(words);
  }

  async function ask() {
    const ids = [...document.querySelectorAll("[data-line]")].map((row) => row.dataset.line);
    try {
      const answer = await fetch(`${note.dataset.linesNote}&ids=${ids.join(",")}`);
      if (answer.redirected) refused = "You are signed out or may no longer see this: reload the page.";
      else if (answer.status === 403) refused = "You may no longer see deployments.";
      else if (answer.ok) {
        refused = "";
        show(await answer.json());
      }
    } catch {
      // The server is away: the note says so soon, and the next round tries again.
    }
    tell();
  }

  async function round() {
    clearTimeout(timer);
    if (!document.hidden) await ask();
    clearTimeout(timer);
    timer = setTimeout(round, pause());
  }

  setInterval(tell, 1_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) round(); });
  timer = setTimeout(round, pause());
})();
