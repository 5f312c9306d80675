// Solves a challenge of ALTCHA's protocol, version 2: the counter whose derived key begins as the challenge says.
"use strict";

const AT_ONCE = 4; // keys that are derived at the same time: old phones have four slow cores

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (key) => Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function derive(parameters, nonce, counter) {
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const [name, hash] = parameters.algorithm.split("/");
  const key = await crypto.subtle.importKey("raw", password, name, false, ["deriveBits"]);
  const how = { name, hash, salt: bytes(parameters.salt), iterations: parameters.cost };
  return hex(new Uint8Array(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8)));
}

async function solve(challenge) {
  const { parameters } = challenge;
  const { nonce: written } = parameters;
  const nonce = bytes(written);
  for (let first = 0; ; first += AT_ONCE) {
    const counters = Array.from({ length: AT_ONCE }, (_, place) => first + place);
    const keys = await Promise.all(counters.map((counter) => derive(parameters, nonce, counter)));
    const place = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
    if (place >= 0) return { challenge, solution: { counter: counters[place], derivedKey: keys[place] } };
  }
}

addEventListener("message", async (event) => {
  const solved = await solve(JSON.parse(event.data)).catch(() => null);
  postMessage(solved ? btoa(JSON.stringify(solved)) : "");
});
