// Two minutes before a page's session ends: a question. Staying keeps the page with what was typed on it. Who types is
// here: then the session is renewed without a question. For people who are signed in, on the portal and at the branch
// desk, and for who has begun a registration, a recovery or a sign-in. The server ends the session whatever this does.
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
  const typing = Number(box.dataset.typing) * 1000; // how often typing renews, at most
  // Some pages are shown for a while only, whatever one does.
  const closes = "closes" in box.dataset ? Number(box.dataset.closes) * 1000 : Infinity;
  const latest = { wall: Date.now() + closes, steady: performance.now() + closes };
  let wall, steady; // the end by the clock on the wall, and by one that nobody sets; a computer that slept has both
  let asking = false;
  let retry = 0;
  let renewed; // when the server last heard of us, by the steady clock
  let typed = 0; // the timer of a renewal that is due
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
    wall = Math.min(Date.now() + left, latest.wall);
    steady = Math.min(performance.now() + left, latest.steady);
  }

  // What another tab knows, unless it is from before somebody set the clock.
  function listen() {
    const left = shared() - Date.now();
    if (shared() > wall && left <= longest) endsIn(left);
  }

  function clock(left) {
    const seconds = Math.ceil(left / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return text.replace(/[0-9]/g, (digit) => box.dataset.digits[digit]);
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
    const back = "back" in box.dataset ? `?next=${encodeURIComponent(location.pathname + location.search)}` : "?ended";
    location.replace(box.dataset.leave + back);
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
    renewed = performance.now();
    const options = { method: "POST", headers: { "X-CSRFToken": token }, signal: AbortSignal.timeout(8000) };
    const answer = await fetch(box.dataset.stay, options).catch(() => null);
    const told = answer && answer.ok ? await answer.json().catch(() => null) : null;
    asking = false;
    if (over) return;
    if (told) {
      endsIn(told.seconds * 1000);
      shared(wall);
      say(told.final || wall === latest.wall);
      tick();
    } else if (answer && (answer.status === 401 || answer.status === 403)) {
      leave();
    } else if (box.open) {
      trouble.textContent = box.querySelector("template").content.textContent;
      retry = setTimeout(stay, 3000);
    }
  }

  // The last letter counts too: it is told when the pause is over.
  function type() {
    if (typed || over) return;
    const due = Math.max(0, renewed + typing - performance.now());
    typed = setTimeout(() => {
      typed = 0;
      stay();
    }, due);
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
  document.addEventListener("input", type);
  box.querySelector('button[data-when="final"]').addEventListener("click", goOn);
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("pageshow", tick);

  say("final" in box.dataset);
  renewed = performance.now();
  endsIn(longest);
  shared(wall);
  tick();
  setInterval(tick, 1000);
})();
