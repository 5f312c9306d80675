// Two minutes before a page's session ends: a question. Staying keeps the page with what was typed on it. Who types is
// here: then the session is renewed without a question. For people who are signed in, on the portal and at the branch
// desk, and for who has begun a registration, a recovery or a sign-in. The server ends the session whatever this does.
(() => {
  "use strict";

  const ENDS = "session-ends"; // in localStorage: what one tab does counts for all
  const box = document.getElementById("idle");
  if (!box) return;

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
  let form = document.querySelector("form[data-keep]");
  let keeping; // the latest request that keeps what is typed
  let unsent = false; // something was typed that the server does not have yet

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
    if (!isOpen()) open();
  }

  function close() {
    clearTimeout(retry);
    trouble.textContent = "";
    if (isOpen()) shut();
  }

  const isOpen = () => box.hasAttribute("open");
  const isModal = "showModal" in box; // not in iOS before 15.4 nor in Firefox before 98: there the same by hand
  let before; // what had the focus

  function open() {
    // eslint-disable-next-line floor/members -- `isModal` says that it is there
    if (isModal) return box.showModal();
    before = document.activeElement;
    box.classList.add("by-hand");
    byHand(true);
    main().focus();
  }

  function shut() {
    if (isModal) return box.close();
    byHand(false);
    if (before) before.focus();
  }

  // The page behind is neither read nor reached while the question is there.
  function byHand(opens) {
    const set = (part, name, value) => (opens ? part.setAttribute(name, value) : part.removeAttribute(name));
    set(box, "open", "");
    Array.from(document.body.children).forEach((part) => part !== box && set(part, "aria-hidden", "true"));
  }

  function keepInside(event) {
    if (isOpen() && !box.contains(event.target)) main().focus();
  }

  // What is typed on a long page is kept by the server as well, without secrets; it hands nothing in.
  function keep() {
    if (!form || !unsent) return;
    unsent = false;
    const words = new URLSearchParams(new FormData(form));
    form.querySelectorAll('[autocomplete*="password"], [name$="answer"]').forEach((secret) => words.delete(secret.name));
    keeping = new AbortController();
    fetch(form.dataset.keep, { method: "POST", body: words, keepalive: true, signal: keeping.signal }).catch(() => {
      unsent = true;
    });
  }

  // Sent by the person: what was sent to be kept before must not arrive after it.
  function sent() {
    if (keeping) keeping.abort();
    form = null;
  }

  // Nothing personal stays on a screen that nobody looks at.
  function leave() {
    over = true;
    clearTimeout(retry);
    keep();
    document.body.textContent = "";
    const back = "back" in box.dataset ? `?next=${encodeURIComponent(location.pathname + location.search)}` : "?ended";
    // Where the person wanted to go may stand in the address already.
    const to = box.dataset.leave;
    location.replace(to + (to.includes("?") ? back.replace("?", "&") : back));
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
    const stop = new AbortController();
    const patience = setTimeout(() => stop.abort(), 8000);
    const options = { method: "POST", headers: { "X-CSRFToken": token }, signal: stop.signal };
    const answer = await fetch(box.dataset.stay, options).catch(() => null);
    const told = answer && answer.ok ? await answer.json().catch(() => null) : null;
    clearTimeout(patience);
    asking = false;
    if (over) return;
    if (told) {
      endsIn(told.seconds * 1000);
      shared(wall);
      say(told.final || wall === latest.wall);
      tick();
    } else if (answer && (answer.status === 401 || answer.status === 403)) {
      leave();
    } else if (isOpen()) {
      trouble.textContent = box.querySelector("template").content.textContent;
      retry = setTimeout(stay, 3000);
    }
  }

  // The last letter counts too: it is told when the pause is over.
  function type() {
    unsent = true;
    if (typed || over) return;
    const due = Math.max(0, renewed + typing - performance.now());
    typed = setTimeout(() => {
      typed = 0;
      stay();
      keep();
    }, due);
  }

  function goOn() {
    closed = true;
    close();
  }

  const main = () => box.querySelector("button[data-when]:not([hidden])");

  // Escape means what the main button means.
  function escape(event) {
    event.preventDefault();
    main().click();
  }

  box.addEventListener("cancel", escape);
  if (!isModal) {
    document.addEventListener("keydown", (event) => isOpen() && event.key === "Escape" && escape(event));
    document.addEventListener("focusin", keepInside);
  }
  box.querySelector('button[data-when="idle"]').addEventListener("click", stay);
  document.addEventListener("input", type);
  box.querySelector('button[data-when="final"]').addEventListener("click", goOn);
  document.addEventListener("visibilitychange", tick);
  // A phone may throw away a page that is not looked at.
  document.addEventListener("visibilitychange", () => document.hidden && keep());
  if (form) form.addEventListener("submit", sent);
  window.addEventListener("pageshow", tick);

  say("final" in box.dataset);
  renewed = performance.now();
  endsIn(longest);
  shared(wall);
  tick();
  setInterval(tick, 1000);
})();
