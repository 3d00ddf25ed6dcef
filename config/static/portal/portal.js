"use strict";
// What pages need beyond HTML: times of live parts in the person's zone, copy buttons, menus that
// close. Works on whole documents and on parts put in later: call window.portal.dress(element).
(() => {
  // As accounts/look.py writes them: 23 Nov 2026, 14:05:11 CET.
  const exact = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", timeZoneName: "short", timeZone: document.currentScript.dataset.timeZone,
  });

  // A live part is made once for everybody who watches, in the portal's zone.
  function tell(time) {
    time.title = exact.format(new Date(time.dateTime)).replace("Sept", "Sep");
    if (time.classList.contains("moment")) time.textContent = time.title;
  }

  function dress(root) {
    if (root !== document) root.querySelectorAll("time[datetime]").forEach(tell);
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
