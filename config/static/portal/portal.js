"use strict";
// What pages need beyond HTML: times in the person's own zone, copy buttons, menus that close.
// Works on whole documents and on parts put in later: call window.portal.dress(element).
(() => {
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  function dress(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const local = full.format(new Date(time.dateTime));
      time.title = local;
      if (time.classList.contains("moment")) time.textContent = local;
    }
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  }

  async function copy(button) {
    const words = button.textContent;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 2000);
  }

  // On a narrow screen the steps before may push the one that is being done out of sight.
  function showStep() {
    const current = document.querySelector(".stepper [aria-current]");
    if (current) current.closest("ol").scrollLeft = current.offsetLeft - 16;
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.activeElement.closest("details.menu[open]");
    closeMenus(null);
    if (open) open.querySelector("summary").focus();
  });
  document.addEventListener("DOMContentLoaded", () => {
    dress(document);
    showStep();
  });
  window.portal = { dress };
})();
