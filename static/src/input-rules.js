// What is written rightly, as common/persian.py and accounts/passwords/rules.py have it. Pure: no page is touched here.
// The server judges again; tests hold both to the same vectors.
/* exported inputRules */
const inputRules = (() => {
  "use strict";

  const LETTER = "\\u0620-\\u064a\\u066e-\\u06d3\\u06d5\\u06ee\\u06ef\\u06fa-\\u06ff";
  const NAME = new RegExp(`^[${LETTER}\\ufdf2\\u064b-\\u065f\\u0670\\u200c\\u200d\\u0640 '’.()-]*$`);
  const ONE_LETTER = new RegExp(`[${LETTER}]`);
  // Signs that nobody sees: all of Unicode's category Cf. Written out, for \p{Cf} hangs on the browser's age.
  const INVISIBLE = /[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;

  const SEPARATORS = /[\s\-‐‑–—−ـ_·•٬./()]/g;

  const foldDigits = (text) =>
    text.replace(/[۰-۹]/g, (d) => String(d.charCodeAt(0) - 0x6f0)).replace(/[٠-٩]/g, (d) => String(d.charCodeAt(0) - 0x660));
  // A number without what stands around it and between its digits.
  function number(text) {
    const folded = foldDigits(text).replace(INVISIBLE, "");
    const bare = folded.replace(SEPARATORS, "");
    if (/^\+?[0-9]*$/.test(bare)) return bare;
    const found = folded.match(/^[^0-9+]*?([0-9+(][0-9+()\s\-‐‑–—−ـ_·•٬./]*?)(?:[\s:;،؛,.»”"'()-][^0-9]*)?$/);
    return found ? found[1].replace(SEPARATORS, "") : bare;
  }

  // "" if the ten digits are those of a national ID; else the rule that they break.
  function nationalId(text) {
    const digits = number(text);
    if (!/^[0-9]{10}$/.test(digits)) return "length";
    const rest = Array.from(digits.slice(0, 9)).reduce((sum, digit, place) => sum + digit * (10 - place), 0) % 11;
    if (Number(digits[9]) !== (rest < 2 ? rest : 11 - rest)) return "checksum";
    return /^(\d)\1{9}$/.test(digits) && digits !== "1111111111" ? "equal_digits" : "";
  }

  // What is odd about a password, as common/odd_typing.py has it: codes in the order in which they are told.
  const BREAKS = "\\n\\r\\v\\f\\x85\\u2028\\u2029";
  const BLANKS = " \\t\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000";
  const BY_PLACE = {
    line_break: new RegExp(`[${BREAKS}]`),
    blank_start: new RegExp(`^[${BREAKS}]*[${BLANKS}]`),
    blank_end: new RegExp(`[${BLANKS}][${BREAKS}]*$`),
  };
  const AROUND = new RegExp(`^[${BREAKS}${BLANKS}]+|[${BREAKS}${BLANKS}]+$`, "g");
  const ODDITIES = [...Object.keys(BY_PLACE), "invisible", "digits", "letters", "full_width", "foreign"];

  function oddity(sign) {
    if (/[ -~]/.test(sign)) return "";
    if (BY_PLACE.line_break.test(sign)) return "line_break";
    if (/\p{Cc}/u.test(sign) || !sign.replace(INVISIBLE, "")) return "invisible";
    if (!/\s/.test(sign) && /^[\x00-\x7f]*$/.test(sign.normalize("NFKC"))) return "full_width";
    if (/\p{Nd}/u.test(sign)) return "digits";
    return /[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefe]/.test(sign) ? "letters" : "foreign";
  }

  function oddities(text) {
    const found = new Set(Array.from(text.replace(AROUND, ""), oddity));
    return ODDITIES.filter((code) => found.has(code) || (code in BY_PLACE && BY_PLACE[code].test(text)));
  }

  // The ten digits of a mobile, from its 9 on; "" if it is none.
  function mobileDigits(text) {
    const found = number(text).replace(/^([0-9]+)\+$/, "+$1").match(/^(?:(?:\+98|0098|98)?0?)(9[0-9]{9})$/);
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

  // An address as most are written. The server knows more (other scripts, look-alikes); what it refuses gets no tick here.
  function email(text) {
    const folded = foldDigits(text).replace(INVISIBLE, "").trim();
    const [box, host, more] = folded.split("@");
    if (host === undefined || more !== undefined || folded.length > 254) return false;
    const labels = host.split(".");
    return (
      /^[A-Za-z0-9_+-][A-Za-z0-9!#$%&'*+/=?^_`{|}~-]*(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(box) &&
      labels.length > 1 &&
      labels.every((label) => /^(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label)) &&
      /[A-Za-z]/.test(labels[labels.length - 1]) &&
      !/^(?:local|localhost|test|invalid)$/i.test(labels[labels.length - 1])
    );
  }

  const isName = (text) => NAME.test(text) && ONE_LETTER.test(text);

  // By the kind of a field (`data-tick`): whether what is written in it has the right form.
  const right = {
    national_id: (text) => !nationalId(text),
    mobile: (text) => mobileDigits(text) !== "",
    name: (text) => isName(text.normalize("NFKC").replace(INVISIBLE, "")),
    digits: (text, most) => new RegExp(`^[0-9]{1,${most}}$`).test(number(text)),
    day: (text) => between(text, 1, 31),
    year: (text) => /^[0-9]{4}$/.test(number(text)) && between(text, 1200, 1500),
    email,
    choice: (text) => text !== "",
  };

  return { foldDigits, nationalId, mobileDigits, oddities, operator, password, right };
})();
