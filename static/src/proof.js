// While very many people ask at once, the page carries a small task for the browser, which costs whoever floods the
// portal more than it is worth. It is solved in the background. Without this script a person waits for their turn.
(() => {
  "use strict";

  const TRIES = 3; // to send a solution, on a network that fails
  const PAUSE = 3000; // ms between them

  // The solution as text; "" where the browser cannot (no worker, no WebCrypto): then it is a matter of waiting.
  function solve(box) {
    return new Promise((resolve) => {
      try {
        const worker = new Worker(box.dataset.worker);
        const end = (solution) => {
          worker.terminate();
          resolve(solution);
        };
        worker.addEventListener("message", (event) => end(event.data));
        worker.addEventListener("error", () => end(""));
        worker.postMessage(box.dataset.proof);
      } catch {
        resolve("");
      }
    });
  }

  // A code that is held: the solution lets it go, and the answer says so in its place.
  async function letGo(box) {
    const waiting = document.querySelector("[data-waiting]");
    if (waiting) waiting.hidden = false; // beside a turn it would be a second wait
    const solution = await solve(box);
    for (let tries = 0; solution && tries < TRIES; tries++) {
      const body = new URLSearchParams(new FormData(document.querySelector("form[data-wait]")));
      body.set("proof", solution);
      const answer = await fetch(box.dataset.proofTo, { method: "POST", body }).catch(() => null);
      if (answer) {
        if (answer.ok) box.innerHTML = await answer.text();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  // A sign-in: solved while the person types. Who is quicker is let go as soon as it is done.
  function fillIn(input) {
    const { form } = input;
    const status = document.getElementById("proof-status");
    let solved = false;
    let pressed = false;
    form.addEventListener("submit", (event) => {
      if (solved) return;
      event.preventDefault();
      event.stopPropagation(); // it is not the first of two presses
      pressed = true;
      status.textContent = status.dataset.busy;
    });
    solve(input).then((solution) => {
      input.value = solution;
      solved = true;
      if (!pressed) return;
      // eslint-disable-next-line floor/members -- where it is missing, the form is sent without asking the page again
      "requestSubmit" in form ? form.requestSubmit() : form.submit();
    });
  }

  document.querySelectorAll("[data-proof-to]").forEach(letGo);
  document.querySelectorAll("input[data-proof]").forEach(fillIn);
})();
