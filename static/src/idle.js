// Two minutes before a signed-in page's session ends: a question. Staying keeps the page with what was typed on it.
// For the portal and for the branch desk. The server ends the session whatever this script does.
(() => {
  "use strict";

  const ENDS = "session-ends"; // in localStorage: what one tab does counts for all
  const box = document.getElementById("idle");
  if (!box || !box.showModal) return;

  const face = box.querySelector("[data-clock]");
  const trouble = box.querySelector("[data-offline]");
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
  const warning = Number(box.dataset.warning) * 1000;
  const longest = Number(box.dataset.left) * 1000;
  let wall, steady; // the end by the clock on the wall, and by one that nobody sets; a computer that slept has both
  let asking = false;
  let retry = 0;
  let closed = false; // the last warning was read
  let over = false;

  // A browser may forbid localStorage; then each tab counts for itself.
  function shared(ends) {
    try {
      if (ends) localStorage.setItem(ENDS, String(ends));
      return Number(localStorage.getItem(ENDS)) || 0;
    } catch {
      return 0;
    }
  }

  function endsIn(left) {
    wall = Date.now() + left;
    steady = performance.now() + left;
  }

  // What another tab knows, unless it is from before somebody set the clock.
  function listen() {
    const left = shared() - Date.now();
    if (shared() > wall && left <= longest) endsIn(left);
  }

  function clock(left) {
    const seconds = Math.ceil(left / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return text.replace(/[0-9]/g, (digit) => "۰۱۲۳۴۵۶۷۸۹"[digit]);
  }

  function tick() {
    if (over) return;
    listen();
    const left = Math.min(wall - Date.now(), steady - performance.now());
    if (left <= 0) leave();
    else if (left <= warning) warn(left);
    else close();
  }

  function warn(left) {
    if (closed) return;
    face.textContent = clock(left);
    if (!box.open) box.showModal();
  }

  function close() {
    clearTimeout(retry);
    trouble.textContent = "";
    if (box.open) box.close();
  }

  // Nothing personal stays on a screen that nobody looks at.
  function leave() {
    over = true;
    clearTimeout(retry);
    document.body.replaceChildren();
    location.replace(`${box.dataset.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  // By `final` the time is over whatever one does: the question becomes a notice.
  function say(final) {
    box.querySelectorAll("[data-when]").forEach((part) => {
      part.hidden = (part.dataset.when === "final") !== final;
    });
  }

  async function stay() {
    if (asking || over) return;
    asking = true;
    clearTimeout(retry);
    const options = { method: "POST", headers: { "X-CSRFToken": token }, signal: AbortSignal.timeout(8000) };
    const answer = await fetch(box.dataset.stay, options).catch(() => null);
    const told = answer && answer.ok ? await answer.json().catch(() => null) : null;
    asking = false;
    if (over) return;
    if (told) {
      endsIn(told.seconds * 1000);
      shared(wall);
      say(told.final);
      tick();
    } else if (answer && (answer.status === 401 || answer.status === 403)) {
      leave();
    } else {
      trouble.textContent = box.querySelector("template").content.textContent;
      retry = setTimeout(stay, 3000);
    }
  }

  function goOn() {
    closed = true;
    close();
  }

  // Escape means what the main button means.
  box.addEventListener("cancel", (event) => {
    event.preventDefault();
    box.querySelector("button[data-when]:not([hidden])").click();
  });
  box.querySelector('button[data-when="idle"]').addEventListener("click", stay);
  box.querySelector('button[data-when="final"]').addEventListener("click", goOn);
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("pageshow", tick);

  say("final" in box.dataset);
  endsIn(longest);
  shared(wall);
  tick();
  setInterval(tick, 1000);
})();
