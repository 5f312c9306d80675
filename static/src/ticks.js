// Says at each field, when it is left, that it is written rightly; of national ID and mobile also what is wrong, in the
// server's sentences. Nothing that is typed leaves the page. The server says all of it again after a POST.
(() => {
  "use strict";

  const { right: sentence, keyboard, caps, proposed, error, prefixes, shortest, kept } = document.currentScript.dataset;
  const PAUSE = 900; // ms without a letter, before the rules of a password are read out
  const boxes = Array.from(document.querySelectorAll("[data-tick]"));
  const passwords = Array.from(document.querySelectorAll('input[type="password"]'));

  // One region for everything, so that a screen reader says one thing after the other.
  const region = document.createElement("p");
  region.className = "visually-hidden";
  region.setAttribute("role", "status");
  document.querySelector("main").append(region);

  let said = 0;
  function say(words, pause = 0) {
    clearTimeout(said);
    said = setTimeout(() => (region.textContent = words), pause);
  }

  const labelFor = (box) => document.querySelector(`label[for="${box.id}"]`);
  const labelOf = (box) => labelFor(box).textContent;
  const rowOf = (box) => box.closest(".with-button") || box;
  const before = (box) => (text) => rowOf(box).before(text);
  const fieldOf = (box) => box.closest(".field");

  function describe(box, id, is) {
    const ids = (box.getAttribute("aria-describedby") || "").split(" ").filter((each) => each && each !== id);
    if (is) ids.push(id);
    if (ids.length) box.setAttribute("aria-describedby", ids.join(" "));
    else box.removeAttribute("aria-describedby");
  }

  function note(box, kind, words, place) {
    const id = `${box.id}-${kind}`;
    const old = document.getElementById(id);
    if (old) old.remove();
    describe(box, id, Boolean(words));
    if (!words) return;
    const text = document.createElement("p");
    text.id = id;
    text.className = kind;
    text.textContent = words;
    if (kind === "error") {
      const word = document.createElement("span");
      word.className = "visually-hidden";
      word.textContent = error;
      text.prepend(word, " ");
    }
    place(text);
  }

  function setWrong(box, words) {
    fieldOf(box).classList.toggle("field-wrong", Boolean(words));
    if (words) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
    note(box, "error", words, before(box));
  }

  function setRight(box, is) {
    fieldOf(box).classList.toggle("field-right", is);
    note(box, "right", is ? sentence : "", (text) => labelFor(box).after(text)); // on the label's line: nothing moves
  }

  const isRight = (box) => {
    const [kind, most] = box.dataset.tick.split(":");
    return inputRules.right[kind](box.value, most);
  };

  // The server's sentence for what is written; only of fields that carry sentences.
  function wrong(box) {
    if (!box.dataset.wrong || !box.value.trim()) return "";
    const sentences = JSON.parse(box.dataset.wrong);
    return sentences[box.dataset.tick === "national_id" ? inputRules.nationalId(box.value) : ""] || sentences[""];
  }

  function leave(box) {
    const was = fieldOf(box).classList.contains("field-right");
    if (isRight(box)) {
      if (was) return;
      setWrong(box, "");
      setRight(box, true);
      say(`${labelOf(box)}: ${sentence}`);
    } else {
      const words = wrong(box);
      if (was) setRight(box, false);
      if (words) {
        setWrong(box, words);
        say(`${error} ${labelOf(box)}: ${words}`);
      }
    }
  }

  // What is added moves the page. Under a finger that is just pressing a button nothing moves.
  let pressing = false;
  let late = [];
  document.addEventListener("pointerdown", () => (pressing = true), true);
  ["pointerup", "pointercancel"].forEach((end) =>
    document.addEventListener(end, () =>
      setTimeout(() => {
        pressing = false;
        late.forEach((act) => act());
        late = [];
      }, 50),
    ),
  );
  const afterPress = (act) => (pressing ? late.push(act) : act());

  boxes.forEach((box) => {
    box.addEventListener("change", () => afterPress(() => leave(box)));
    box.addEventListener("input", () => fieldOf(box).classList.contains("field-right") && !isRight(box) && setRight(box, false));
  });

  // The operator whose prefix a mobile has, while the person has not chosen one.
  function propose(mobile, operators) {
    let chosen = !("propose" in operators.dataset);
    operators.addEventListener("change", () => (chosen = true));
    mobile.addEventListener("change", () => {
      const name = inputRules.operator(inputRules.mobileDigits(mobile.value), JSON.parse(prefixes));
      if (chosen || !name || operators.value === name) return;
      operators.value = name;
      const words = `${operators.options[operators.selectedIndex].text}: ${proposed}`;
      note(operators, "hint", words, before(operators));
      say(`${labelOf(operators)}: ${words}`, 1500); // after the tick of the mobile
    });
  }

  // The words of this page that a password must not hold.
  function personal() {
    const fields = '[autocomplete="family-name"], [autocomplete="given-name"], [autocomplete="username"]';
    return Array.from(document.querySelectorAll(fields), (field) => inputRules.foldDigits(field.value));
  }

  function tickRules(box, list) {
    const names = document.querySelector('[autocomplete="given-name"]');
    const told = new Set();
    box.addEventListener("input", () => {
      const keeps = inputRules.password(box.value, personal(), Number(shortest));
      const fresh = [];
      list.querySelectorAll("[data-rule]").forEach((line) => {
        const { rule } = line.dataset;
        if (rule === "personal" && !names) return; // the server knows more of the person than this page
        line.classList.toggle("rule-right", keeps[rule]);
        let mark = line.querySelector(".right");
        // In Persian letters it is the keyboard that is told of.
        if (keeps[rule] && keeps.latin && !told.has(rule)) {
          fresh.push(line.firstChild.textContent);
          told.add(rule);
        }
        if (keeps[rule] && !mark) {
          mark = document.createElement("span");
          mark.className = "right";
          mark.textContent = ` ${kept}`;
          line.append(mark);
        } else if (!keeps[rule] && mark) mark.remove();
      });
      if (fresh.length) say(`${kept}: ${fresh.join(" ")}`, PAUSE);
    });
  }

  function watchKeyboard(box) {
    box.addEventListener("input", () => {
      const persian = /[\u0600-\u06ff]/.test(box.value);
      if (persian === Boolean(document.getElementById(`${box.id}-keyboard`))) return;
      note(box, "keyboard", persian ? keyboard : "", (text) => rowOf(box).after(text));
      if (persian) say(keyboard);
    });
  }

  function watchCapsLock(box) {
    const look = (event) => {
      const on = Boolean(event.getModifierState && event.getModifierState("CapsLock")); // filling in by itself has none
      if (on === Boolean(document.getElementById(`${box.id}-caps`))) return;
      note(box, "caps", on ? caps : "", (text) => rowOf(box).after(text));
      if (on) say(caps);
    };
    box.addEventListener("keydown", look);
    box.addEventListener("keyup", look);
  }

  // What nobody sees in a password, when it is left.
  function tellOddities(box) {
    const sentences = JSON.parse(box.dataset.odd || "{}");
    const look = () => {
      const words = inputRules.oddities(box.value).map((code) => sentences[code]);
      const told = words.filter(Boolean).join(" ");
      note(box, "odd", told, (text) => rowOf(box).after(text));
      if (told) say(`${labelOf(box)}: ${told}`);
    };
    box.addEventListener("change", () => afterPress(look));
  }

  const mobiles = boxes.filter((box) => box.dataset.tick === "mobile");
  const operators = document.querySelector("select[data-operators]");
  if (operators && mobiles.length) propose(mobiles[0], operators);
  [watchKeyboard, watchCapsLock, tellOddities].forEach((watch) => passwords.forEach(watch));
  const [fresh, again] = passwords.filter((box) => box.autocomplete === "new-password");
  const rules = document.getElementById("password-rules");
  if (fresh && rules) tickRules(fresh, rules);
  if (again) again.addEventListener("change", () => setRight(again, again.value !== "" && again.value === fresh.value));
})();
