// The pages work without this script; it only saves a person some steps. It checks no input: the server does.
(() => {
  "use strict";

  const DOUBLE_CLICK = 4000; // ms; a second press this soon is the same press, later it is a retry
  const digits = document.body.dataset.digits || "0123456789"; // of the page's language
  const shown = (text) => String(text).replace(/[0-9]/g, (digit) => digits[digit]);

  function focusErrors() {
    const summary = document.getElementById("error-summary");
    if (summary) summary.focus();
  }

  // A link of the summary shows the whole field, label first; without the script the style sheet leaves room above.
  function leadToFields() {
    document.querySelectorAll('#error-summary a[href^="#"]').forEach((link) => {
      link.addEventListener("click", (event) => {
        const control = document.getElementById(link.getAttribute("href").slice(1));
        const field = control && (control.closest("fieldset.field") || control.closest(".field"));
        if (!field) return;
        event.preventDefault();
        control.focus({ preventScroll: true });
        field.scrollIntoView();
      });
    });
  }

  // A page that answers a POST (an error) becomes an ordinary entry: "back" and "refresh" then ask for the
  // address again, instead of the browser's own page about sending a form twice.
  function forgetThePost() {
    const here = document.querySelector("[data-here]"); // a part of a step, by the address that shows it again
    history.replaceState(null, "", here ? here.dataset.here : location.href);
  }

  // The button stays enabled and keeps its value; only the second press of a double click is dropped.
  function dropDoubleClicks() {
    const sent = new WeakMap();
    document.addEventListener("submit", (event) => {
      const last = sent.get(event.target);
      if (last !== undefined && event.timeStamp - last < DOUBLE_CLICK) event.preventDefault();
      else sent.set(event.target, event.timeStamp);
    });
    // Back from the next page: the form is new again.
    window.addEventListener("pageshow", () => {
      document.querySelectorAll("form").forEach((form) => sent.delete(form));
    });
  }

  function clock(seconds) {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    const start = hours ? `${hours}:${two(minutes)}` : String(minutes);
    return shown(`${start}:${two(seconds % 60)}`);
  }

  // Without the script the button is never disabled: the server shows the wait instead.
  function countDown(box) {
    const button = box.querySelector("button");
    const face = box.querySelector("[data-clock]");
    const ends = Date.now() + Number(box.dataset.wait) * 1000;
    button.disabled = true;
    const tick = () => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      if (left > 0) {
        face.textContent = clock(left);
        return;
      }
      clearInterval(timer);
      button.disabled = false;
      box.querySelector("[data-waiting]").hidden = true;
      box.querySelector("[data-ready]").textContent = box.dataset.readyText;
    };
    const timer = setInterval(tick, 500);
    tick();
  }

  function showPasswordButton(input) {
    const { show, hide } = document.body.dataset;
    const row = document.createElement("div");
    const button = document.createElement("button");
    const set = (shown) => {
      input.type = shown ? "text" : "password";
      button.textContent = shown ? hide : show;
      button.setAttribute("aria-pressed", String(shown));
    };
    row.className = "with-button";
    button.type = "button";
    button.className = "btn btn-quiet";
    button.setAttribute("aria-controls", input.id);
    button.setAttribute("aria-label", `${show} ${document.querySelector(`label[for="${input.id}"]`).textContent}`);
    input.replaceWith(row);
    row.append(input, button);
    set(false);
    button.addEventListener("click", () => set(input.type === "password"));
    // Hidden again before it is sent, so that no browser keeps it as ordinary text.
    input.form.addEventListener("submit", () => set(false));
  }

  // Android offers to fill the code in from the SMS; the person still presses the button.
  function readCodeFromSms(input) {
    if (!("OTPCredential" in window)) return;
    const stop = new AbortController();
    input.form.addEventListener("submit", () => stop.abort());
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: stop.signal })
      .then((credential) => {
        if (credential && !input.value) input.value = credential.code;
      })
      .catch(() => {});
  }

  // Where the SMS is, ever more rarely; not while nobody looks. A refusal ends it: the page says enough.
  function renew(box) {
    let pause = Number(box.dataset.every || 3) * 1000;
    const ends = Date.now() + 20 * 60 * 1000;
    const look = async () => {
      if (!document.hidden) {
        const answer = await fetch(box.dataset.renew).catch(() => null);
        if (answer && !answer.ok) return;
        const fresh = document.createElement("div");
        fresh.innerHTML = answer ? await answer.text() : box.innerHTML;
        const changed = fresh.textContent.trim() !== box.textContent.trim();
        if (changed) box.innerHTML = fresh.innerHTML; // unchanged: not read out again
        pause = Math.min(pause * 1.25, 30000);
      }
      if (Date.now() < ends) setTimeout(look, pause);
    };
    setTimeout(look, pause);
  }

  function print(button) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  forgetThePost();
  focusErrors();
  leadToFields();
  dropDoubleClicks();
  document.querySelectorAll("[data-wait]").forEach((box) => Number(box.dataset.wait) > 0 && countDown(box));
  document.querySelectorAll("[data-renew]").forEach(renew);
  document.querySelectorAll("[data-print]").forEach(print);
  document.querySelectorAll("[data-without-script]").forEach((form) => form.remove());
  document.querySelectorAll('input[type="password"]').forEach(showPasswordButton);
  document.querySelectorAll('input[autocomplete="one-time-code"]').forEach(readCodeFromSms);
})();
