"use strict";
// The devices step: shows who fits while one is still choosing. Without a script, Update does.
(() => {
  const form = document.querySelector("form[data-fit]");
  if (!form) return;
  const part = document.querySelector("[data-fit-part]");
  const note = document.querySelector("[data-fit-note]");
  const update = form.querySelector("button[value=update]");
  const FOLLOWS = "Follows while you choose.";
  let timer = 0;
  let asked = 0;

  // Where the count follows by itself, nobody needs to ask for it.
  function tell(words, follows) {
    note.textContent = words;
    update.hidden = Boolean(follows);
  }

  async function ask() {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.fit, { method: "POST", body: new FormData(form) });
      const seen = answer.ok ? await answer.json() : null;
      if (mine !== asked) return;
      if (seen) part.innerHTML = seen.html;
      tell(seen ? FOLLOWS : "Press Update to count again.", seen);
    } catch {
      tell("The portal did not answer. Press Update to count again.", false);
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.name === "q") return;
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
  tell(FOLLOWS, true);
})();
