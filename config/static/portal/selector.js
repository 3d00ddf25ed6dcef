"use strict";
// A group's page: what the selector being typed would pick, asked from the server as it is typed.
(() => {
  const field = document.querySelector("input[name=selector]");
  const shown = document.getElementById("matches");
  if (!field || !shown) return;
  let timer = 0;
  let latest = 0;

  async function preview() {
    const mine = ++latest;
    const answer = await fetch(`${shown.dataset.preview}?selector=${encodeURIComponent(field.value)}`);
    if (answer.ok && mine === latest) shown.innerHTML = await answer.text();
  }

  // The search field that Django's autocomplete makes has no name of its own.
  window.addEventListener("load", () => {
    const label = document.querySelector(".field-members label");
    const search = document.querySelector(".field-members .select2-search__field");
    if (label && search) search.setAttribute("aria-label", label.textContent.trim());
  });

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(preview, 300);
  });
})();
