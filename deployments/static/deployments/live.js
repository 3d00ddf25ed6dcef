"use strict";
// Keeps a deployment's page true: puts the server's words where they belong and interprets none.
// A frame may be lost, late or doubled: parts follow the newest reading, rows their own version.
(() => {
  const page = document.getElementById("live");
  if (!page) return;

  const STALE_MS = 15_000;
  const POLL_MS = 15_000;
  const LONGEST_WAIT_MS = 30_000;
  const note = document.querySelector("[data-live]");
  const words = note.querySelector("[data-live-words]");
  const rows = new Map();
  for (const row of document.querySelectorAll("[data-row]")) rows.set(Number(row.dataset.row), row);

  let socket = null;
  let newest = page.dataset.at;
  let heard = Date.now();
  let waitMs = 1_000;
  let askedAt = 0;
  let refused = "";

  function put(element, text) {
    if (element.textContent !== String(text)) element.textContent = text;
  }

  function showRow(news) {
    const row = rows.get(news.id);
    if (!row || news.v < Number(row.dataset.v)) return;
    row.dataset.v = news.v;
    const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
    cell("badge").className = `badge tone-${news.tone}`;
    cell("progress").value = news.progress;
    for (const name of ["mark", "words", "progress_words", "attempts", "error"]) {
      put(cell(name), news[name]);
    }
  }

  function showParts(parts) {
    for (const [name, html] of Object.entries(parts)) {
      for (const part of document.querySelectorAll(`[data-part="${name}"]`)) {
        part.innerHTML = html;
        window.portal?.dress(part);
      }
    }
  }

  // The buttons of this moment, and what they will say that the person saw.
  function showActions({ actions, primary, shown }) {
    for (const button of document.querySelectorAll("[data-action]")) {
      button.hidden = !actions.includes(button.dataset.action);
      const pressed = button.querySelector("button") ?? button;
      pressed.className = button.dataset.action === primary ? "button-primary" : "button-plain";
    }
    for (const field of document.querySelectorAll("[data-shown]")) {
      field.value = shown[field.dataset.shown] ?? field.value;
    }
  }

  function showCounts(counts) {
    const numbers = new Map(counts.map((one) => [one.state, one.number]));
    for (const place of document.querySelectorAll("[data-count]")) {
      const number = numbers.get(place.dataset.count) ?? 0;
      const tab = place.closest("a");
      put(place, number);
      tab.hidden = !number && !tab.hasAttribute("aria-current");
    }
  }

  // What was just done is news only until the rollout has gone on from there.
  function endMessages(stage) {
    if (stage === page.dataset.stage) return;
    for (const message of document.querySelectorAll(".messagelist .success")) message.remove();
    if (!document.querySelector(".messagelist li")) document.querySelector(".messagelist")?.remove();
  }

  function show(frame) {
    heard = Date.now();
    refused = "";
    for (const row of frame.instances ?? []) showRow(row);
    if (frame.deployment && frame.deployment.layout !== page.dataset.layout) location.reload();
    if (frame.at >= newest) {
      newest = frame.at;
      if (frame.parts) showParts(frame.parts);
      if (frame.deployment) {
        showActions(frame.deployment);
        put(document.querySelector("[data-status]"), frame.deployment.status);
        endMessages(frame.deployment.words);
      }
      if (frame.counts) showCounts(frame.counts);
    }
    if (frame.more) askForRows();
    tell();
  }

  // More changed than fits into a frame: asks for the rows of this page, once a second at most.
  function askForRows() {
    const wait = Math.max(0, askedAt + 1_000 - Date.now());
    if (wait && askedAt > Date.now()) return;
    askedAt = Date.now() + wait;
    setTimeout(() => {
      if (socket?.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ rows: [...rows.keys()] }));
      }
    }, wait);
  }

  function tell() {
    const seconds = Math.round((Date.now() - heard) / 1_000);
    const alive = socket?.readyState === WebSocket.OPEN && Date.now() - heard < STALE_MS;
    note.dataset.liveState = refused ? "refused" : alive ? "live" : "stale";
    const age = seconds < 2 ? "just now" : `${seconds} s ago`;
    put(words, refused || (alive ? `Live, updated ${age}` : `Connection lost, trying again (updated ${age})`));
  }

  function connect() {
    const url = new URL(page.dataset.socket, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      waitMs = 1_000;
      askForRows();
    });
    socket.addEventListener("message", (event) => show(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (event.code === 4403) poll();
      setTimeout(connect, waitMs * (0.5 + Math.random()));
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      tell();
    });
  }

  async function poll() {
    try {
      const answer = await fetch(`${page.dataset.poll}?rows=${[...rows.keys()].join(",")}`);
      if (answer.redirected) refused = "You are signed out or may no longer see this: reload the page.";
      else if (answer.status === 403) refused = "You may no longer see this deployment.";
      else if (answer.status === 404) refused = "This deployment is gone.";
      else if (answer.ok) show(await answer.json());
    } catch {
      // The server is away as well: the note says so, and the next round tries again.
    }
    tell();
  }

  setInterval(tell, 1_000);
  setInterval(() => {
    const silent = Date.now() - heard > STALE_MS;
    // A socket can be dead without knowing it: silence longer than the server's beat ends it.
    if (silent && socket.readyState === WebSocket.OPEN) socket.close();
    if (socket.readyState !== WebSocket.OPEN) poll();
  }, POLL_MS);
  connect();
})();
