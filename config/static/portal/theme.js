"use strict";
// The person's theme before the first paint: left where the admin's theme.js, linked next, looks
// for it. What the switch in the header says is kept for the person; until it is, it counts here.
(() => {
  const { theme, address } = document.currentScript.dataset;
  const UNSAVED = "theme-unsaved";
  const unsaved = localStorage.getItem(UNSAVED);
  localStorage.setItem("theme", unsaved ?? theme);

  async function keep(wanted) {
    localStorage.setItem(UNSAVED, wanted);
    const token = document.querySelector("#logout-form [name=csrfmiddlewaretoken]").value;
    await fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ theme: wanted }),
    });
    if (localStorage.getItem(UNSAVED) === wanted) localStorage.removeItem(UNSAVED);
  }

  if (unsaved) document.addEventListener("DOMContentLoaded", () => keep(unsaved));
  document.addEventListener("click", (event) => {
    if (event.target.closest(".theme-toggle")) keep(document.documentElement.dataset.theme);
  });
})();
