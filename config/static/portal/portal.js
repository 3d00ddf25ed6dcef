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

  // As accounts/look.py writes it: 04:12, or 1:04:12 from an hour on.
  function count(time) {
    const left = Math.max(0, Math.ceil((new Date(time.dateTime) - Date.now()) / 1_000));
    const parts = [Math.floor(left / 3_600), Math.floor(left / 60) % 60, left % 60];
    const two = parts.map((part) => String(part).padStart(2, "0"));
    time.textContent = parts[0] ? `${parts[0]}:${two[1]}:${two[2]}` : `${two[1]}:${two[2]}`;
  }

  function countDown(root) {
    root.querySelectorAll("time.until").forEach(count);
  }

  function dress(root) {
    if (root !== document) root.querySelectorAll("time[datetime]").forEach(tell);
    countDown(root);
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
    setInterval(countDown, 1_000, document);
    showStep();
  });
  window.portal = { dress };
})();
