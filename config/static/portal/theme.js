"use strict";
// The person's theme before the first paint: left where the admin's theme.js, linked next, looks
// for it. What the switch in the header says then is kept for the person.
(() => {
  const { theme, address } = document.currentScript.dataset;
  localStorage.setItem("theme", theme);

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".theme-toggle")) return;
    const token = document.querySelector("#logout-form [name=csrfmiddlewaretoken]").value;
    fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ theme: document.documentElement.dataset.theme }),
    });
  });
})();
