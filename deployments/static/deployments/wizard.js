"use strict";
// The devices step: shows who fits while one is still choosing. Without a script, Update does.
(() => {
  const form = document.querySelector("form[data-fit]");
  if (!form) return;
  const part = document.querySelector("[data-fit-part]");
  const note = document.querySelector("[data-fit-note]");
  let timer = 0;
  let asked = 0;

  async function ask() {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.fit, { method: "POST", body: new FormData(form) });
      const seen = answer.ok ? await answer.json() : null;
      if (mine !== asked) return;
      if (seen) part.innerHTML = seen.html;
      note.textContent = seen ? "Follows while you choose." : "Press Update to count again.";
    } catch {
      note.textContent = "The portal did not answer. Press Update to count again.";
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.name === "q") return;
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
  note.textContent = "Follows while you choose.";
})();
