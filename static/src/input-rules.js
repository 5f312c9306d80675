// What is written rightly, as common/persian.py and accounts/passwords/rules.py have it. Pure: no page is touched here.
// The server judges again; tests hold both to the same vectors.
/* exported inputRules */
const inputRules = (() => {
  "use strict";

  const LETTER = "\\u0620-\\u064a\\u066e-\\u06d3\\u06d5\\u06ee\\u06ef\\u06fa-\\u06ff";
  const NAME = new RegExp(`^[${LETTER}\\ufdf2\\u064b-\\u065f\\u0670\\u200c\\u200d\\u0640 '’.()-]*$`);
  const ONE_LETTER = new RegExp(`[${LETTER}]`);
  // Signs that nobody sees (category Cf, as far as keyboards and messages have them).
  const INVISIBLE = /[\u00ad\u0600-\u0605\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;

  const foldDigits = (text) =>
    text.replace(/[۰-۹]/g, (d) => String(d.charCodeAt(0) - 0x6f0)).replace(/[٠-٩]/g, (d) => String(d.charCodeAt(0) - 0x660));
  // A number without what stands around it and between its digits.
  function number(text) {
    const folded = foldDigits(text).replace(INVISIBLE, "");
    const bare = folded.replace(/[\s\-‐‑–—−./()]/g, "");
    if (/^\+?[0-9]*$/.test(bare)) return bare;
    const found = folded.match(/^[^0-9+]*?([0-9+(][0-9+()\s\-‐‑–—−./]*?)(?:[\s:;،؛,.»”"'()-][^0-9]*)?$/);
    return found ? found[1].replace(/[\s\-‐‑–—−./()]/g, "") : bare;
  }

  // "" if the ten digits are those of a national ID; else the rule that they break.
  function nationalId(text) {
    const digits = number(text);
    if (!/^[0-9]{10}$/.test(digits)) return "length";
    const rest = Array.from(digits.slice(0, 9)).reduce((sum, digit, place) => sum + digit * (10 - place), 0) % 11;
    if (Number(digits[9]) !== (rest < 2 ? rest : 11 - rest)) return "checksum";
    return /^(\d)\1{9}$/.test(digits) && digits !== "1111111111" ? "equal_digits" : "";
  }

  // The ten digits of a mobile, from its 9 on; "" if it is none.
  function mobileDigits(text) {
    const found = number(text).match(/^(?:(?:\+98|0098|98)?0?)(9[0-9]{9})$/);
    return found ? found[1] : "";
  }

  // The operator that the beginning of a mobile was first given to. `prefixes`: {"mci": ["91", …], …}
  function operator(digits, prefixes) {
    const all = Object.entries(prefixes).flatMap(([name, starts]) => starts.map((start) => [start, name]));
    const fits = all.filter(([start]) => digits.startsWith(start)).sort((one, other) => other[0].length - one[0].length);
    return fits.length ? fits[0][1] : "";
  }

  const between = (text, least, most) => {
    const digits = number(text);
    return /^[0-9]{1,4}$/.test(digits) && digits >= least && digits <= most;
  };

  // Which rules a password keeps, by their codes. `personal`: words that it must not hold.
  function password(text, personal, shortest) {
    const words = personal.map((word) => word.replace(/\s+/g, "").toLowerCase()).filter(Boolean);
    const latin = /^[\x00-\x7f]+$/.test(text);
    return {
      latin,
      first_letter: /^[A-Za-z]/.test(text),
      mix: /[A-Z]/.test(text) && /[a-z]/.test(text) && /[0-9]/.test(text),
      too_short: text.length >= shortest,
      personal: text !== "" && !words.some((word) => text.toLowerCase().includes(word)),
      characters: text !== "" && !/[^A-Za-z0-9&%$#!]/.test(text),
    };
  }

  // By the kind of a field (`data-tick`): whether what is written in it has the right form.
  const right = {
    national_id: (text) => !nationalId(text),
    mobile: (text) => mobileDigits(text) !== "",
    name: (text) => NAME.test(text.replace(INVISIBLE, "")) && ONE_LETTER.test(text),
    digits: (text, most) => new RegExp(`^[0-9]{1,${most}}$`).test(number(text)),
    day: (text) => between(text, 1, 31),
    year: (text) => /^[0-9]{4}$/.test(number(text)) && between(text, 1200, 1500),
    email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(text.trim()),
    choice: (text) => text !== "",
  };

  return { foldDigits, nationalId, mobileDigits, operator, password, right };
})();
