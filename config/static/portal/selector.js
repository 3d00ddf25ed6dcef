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

  // The search field that Django's autocomplete makes, whenever it does, has no name of its own.
  const members = document.querySelector(".field-members");
  const watch = new MutationObserver(() => {
    const search = members.querySelector(".select2-search__field:not([aria-label])");
    if (search) search.setAttribute("aria-label", members.querySelector("label").textContent.trim());
  });
  if (members) watch.observe(members, { childList: true, subtree: true });

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(preview, 300);
  });
})();
