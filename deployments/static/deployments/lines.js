"use strict";
// Keeps the lines of deployments true while one of them is under way: asks for those on the page
// every few seconds and puts the server's own lines in their places. While nobody looks or nothing
// moves, nobody asks.
(() => {
  const table = document.querySelector("[data-lines][data-moving]");
  const note = document.querySelector("[data-lines-note]");
  if (!table || !note) return;

  const POLL_MS = 4_000;
  const STALE_MS = 15_000;
  const words = note.querySelector("[data-live-words]");
  const known = new Map();
  let heard = Date.now();
  let refused = "";
  let timer = 0;

  function put(row, html) {
    if (known.get(row.dataset.line) === html) return;
    known.set(row.dataset.line, html);
    const made = document.createElement("template");
    made.innerHTML = html;
    const fresh = made.content.querySelector("tr");
    const focused = row.contains(document.activeElement);
    window.portal?.dress(fresh);
    row.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus();
  }

  function show({ lines }) {
    heard = Date.now();
    for (const row of table.querySelectorAll("[data-line]")) {
      // One that is in no list any more was deleted.
      if (row.dataset.line in lines) put(row, lines[row.dataset.line]);
      else row.remove();
    }
  }

  function end(html) {
    table.removeAttribute("data-moving");
    note.dataset.liveState = "paint";
    words.innerHTML = html;
    window.portal?.dress(words);
  }

  function tell() {
    if (!table.hasAttribute("data-moving")) return;
    const seconds = Math.round((Date.now() - heard) / 1_000);
    const alive = Date.now() - heard < STALE_MS;
    const age = seconds < 2 ? "just now" : `${seconds} s ago`;
    note.dataset.liveState = refused ? "refused" : alive ? "live" : "stale";
    words.textContent = refused
      || (alive ? `Live, updated ${age}` : `Connection lost, trying again (updated ${age})`);
  }

  async function ask() {
    const ids = [...table.querySelectorAll("[data-line]")].map((row) => row.dataset.line);
    try {
      const answer = await fetch(`${table.dataset.lines}?ids=${ids.join(",")}`);
      if (answer.redirected) refused = "You are signed out or may no longer see this: reload the page.";
      else if (answer.status === 403) refused = "You may no longer see deployments.";
      else if (answer.ok) {
        refused = "";
        const news = await answer.json();
        show(news);
        if (!news.moving) end(news.note);
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
    if (table.hasAttribute("data-moving")) timer = setTimeout(round, POLL_MS);
  }

  setInterval(tell, 1_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) round(); });
  timer = setTimeout(round, POLL_MS);
})();
