"use strict";
// The person's theme before the first paint: left where the admin's theme.js, linked next, looks
// for it. What the switch in the header says is kept for the person; until it is, it counts here.
(() => {
  const { theme, address } = document.currentScript.dataset;
  const UNSAVED = "theme-unsaved";
  // A page that was asked for before it was kept may be painted after: so long it still counts.
  const GRACE_MS = 10_000;
  const [wanted, keptAt] = (localStorage.getItem(UNSAVED) ?? "").split("@");
  const counts = wanted && !(keptAt && Date.now() - Number(keptAt) > GRACE_MS);
  localStorage.setItem("theme", counts ? wanted : theme);

  async function keep(wanted) {
    localStorage.setItem(UNSAVED, wanted);
    const token = document.querySelector("#logout-form [name=csrfmiddlewaretoken]").value;
    await fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ theme: wanted }),
    });
    if (localStorage.getItem(UNSAVED) === wanted) {
      localStorage.setItem(UNSAVED, `${wanted}@${Date.now()}`);
    }
  }

  if (wanted && !keptAt) document.addEventListener("DOMContentLoaded", () => keep(wanted));
  document.addEventListener("click", (event) => {
    if (event.target.closest(".theme-toggle")) keep(document.documentElement.dataset.theme);
  });
})();
