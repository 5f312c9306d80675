// An SMSC for tests, over the npm package `smpp`: `node tests/support/smpp_peer.mjs --port 0 --behaviour ok`.
// Its first line of output is the port; then one JSON line for each event. It ends with its stdin.
//
// --behaviour, or a line on stdin while it runs; one, or several with shares, chosen for each part: ok=0.9,drop=0.1
//   not taken: throttle (0x58), busy (queue full, 0x14), 500 (system error, 0x08), refuse (bad number, 0x0b), code-N,
//              throttle-parts (all parts but the first, once each), garbage (no SMPP), reset, hang, bad-password (at the bind)
//   taken: ok, late (after --late), drop (ends the connection), hang-taken (never answers), drip (a byte a --drip)
//   deaf: as ok, and answers no enquire_link
// --receipts none|once|twice|three|reversed|early, or several words: three,reversed. What the other side did not
//   acknowledge before its connection ended is said again at its next bind; what it refused, after --again-after as well.
// --ids plain|hex: hex answers the send in hexadecimal and reports in decimal. --tlv same|other|none: what
//   receipted_message_id holds beside the text of a receipt.
// --tls: a file with a certificate and its key; it then speaks TLS alone. "refused" is said of who ends the handshake.
// --rate: how many parts it takes within any second, more are throttled (0x58); 0: any number. --distance: milliseconds,
//   as by Jasmin; what comes sooner after the last part that it took is throttled.
// --binds: how many connections it takes, the next one is refused (bind failed, 0x0d); 0: any number. Behaviour
//   bind-fails: it takes none.
// --delay, --late, --drip, --again-after, --receipt-delay (after the answer): milliseconds. --log: a file that gets one JSON line for each message, not part; started again
//   with the same one, it goes on with its ids and says what was not acknowledged before it ended (FILE.memory).
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const smpp = createRequire(import.meta.url)("smpp");
const options = {
  port: "0", binds: "0", rate: "0", distance: "0", behaviour: "ok", receipts: "none", ids: "plain", tlv: "same", delay: "0", late: "20000", drip: "1000", "receipt-delay": "20", "again-after": "1000", log: "", tls: "",
};
for (let at = 2; at < process.argv.length; at += 2) options[process.argv[at].slice(2)] = process.argv[at + 1];
const manners = new Set(options.receipts.split(","));
const times = manners.has("three") ? 3 : manners.has("twice") ? 2 : 1;
const refusals = { throttle: 0x58, busy: 0x14, 500: 0x08, refuse: 0x0b };
let behaviour = options.behaviour;
let last = 0;
let singles = 0;
const sessions = new Set(); // bound ones
let bound = null; // the session that receipts go to
let unsaid = []; // receipts that nobody has acknowledged
const halves = new Map(); // parts of messages that are not whole yet
const throttled = new Set();
const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const is = (name) => behaviour.split(",").some((share) => share.split("=")[0] === name);

function choose() {
  const shares = behaviour.split(",").map((share) => [share.split("=")[0], Number(share.split("=")[1] ?? 1)]);
  let point = Math.random() * shares.reduce((sum, [, share]) => sum + share, 0);
  return (shares.find(([, share]) => (point -= share) < 0) ?? shares[0])[0];
}

// What it must not forget when it is killed.

function remember(word, id) {
  if (options.log) appendFileSync(`${options.log}.memory`, `${word} ${id}\n`);
}

function recall() {
  const file = `${options.log}.memory`;
  if (!options.log || !existsSync(file)) return;
  const words = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => line.split(" "));
  const said = new Set(words.filter(([word]) => word === "said").map(([, id]) => id));
  const taken = words.filter(([word]) => word === "taken").map(([, id]) => id);
  last = taken.length;
  if (options.receipts !== "none") unsaid = taken.filter((id) => !said.has(id)).map((id) => ({ id, stat: "DELIVRD" }));
}

const reported = (number) => (options.ids === "hex" ? String(number) : `m${number}`);

// Receipts.

function report(session, receipt) {
  const { id, stat } = receipt;
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:${stat} err:000 text:`;
  const beside = { none: {}, other: { receipted_message_id: `x${id}` } }[options.tlv] ?? { receipted_message_id: id };
  session.deliver_sm({ esm_class: 4, short_message: text, ...beside }, (pdu) => {
    say({ event: "acknowledged", id, stat, status: pdu.command_status });
    if (pdu.command_status) { // not kept by the other side: a little later again, or at its next bind
      setTimeout(() => bound === session && !session.over && report(session, receipt), Number(options["again-after"]));
      return;
    }
    unsaid = unsaid.filter((each) => each !== receipt);
    if (stat === "DELIVRD") remember("said", id);
  });
}

function receipts(id) {
  if (options.receipts === "none") return;
  const stats = ["ACCEPTD", "DELIVRD"].flatMap((stat) => Array(times).fill(stat));
  if (manners.has("reversed")) stats.reverse();
  const own = stats.map((stat) => ({ id: reported(id), stat }));
  unsaid.push(...own);
  if (bound && !bound.bytes) own.forEach((receipt) => report(bound, receipt));
}

// Submissions.

function note(pdu, udh, row) {
  const parts = udh ? parseInt(udh[0].slice(6, 8), 16) : 1;
  const whole = `${pdu.destination_addr} ${udh ? udh[0].slice(4, 6) : `single ${++singles}`}`;
  const texts = [...(halves.get(whole) ?? []), row.text];
  halves.set(whole, texts);
  if (row.taken && texts.length < parts) return;
  halves.delete(whole);
  const line = { at: Date.now() / 1000, key: row.id, ...row, text: texts.join(""), repeat: false };
  if (options.log) appendFileSync(options.log, JSON.stringify(line) + "\n");
}

function answer(session, pdu) {
  if (!session.bytes) return session.send(pdu);
  session.bytes.push(...pdu.toBuffer());
}

function drip(session) {
  session.bytes ??= [];
  session.dripping ??= setInterval(() => {
    if (session.over) clearInterval(session.dripping);
    else if (session.bytes.length) session.socket.write(Buffer.from([session.bytes.shift()]));
  }, Number(options.drip));
}

const window = []; // when the parts of the last second were taken, in milliseconds
let takenAt = -Infinity; // when the last part was, as Jasmin counts

function tooSoon() {
  if (performance.now() - takenAt < Number(options.distance)) return true;
  takenAt = performance.now();
  return false;
}

function tooMany() {
  if (!Number(options.rate)) return false;
  while (window.length && window[0] <= Date.now() - 1000) window.shift();
  if (window.length >= Number(options.rate)) return true;
  window.push(Date.now());
  return false;
}

function submitted(session, pdu) {
  const udh = pdu.short_message.udh ? pdu.short_message.udh.map((ie) => ie.toString("hex")) : null;
  const chosen = choose();
  const crowded = tooMany() || tooSoon();
  const later = crowded || chosen === "throttle-parts" && udh && !udh[0].endsWith("01") && !throttled.has(udh[0]);
  if (later && udh) throttled.add(udh[0]);
  const refusal = later ? 0x58 : chosen.startsWith("code-") ? Number(chosen.slice(5)) : (refusals[chosen] ?? 0);
  const taken = refusal === 0 && !["garbage", "reset", "hang"].includes(chosen);
  const number = taken ? ++last : 0;
  const id = !taken ? "" : options.ids === "hex" ? number.toString(16) : `m${number}`;
  const row = { taken, id, to: pdu.destination_addr, text: pdu.short_message.message, from: pdu.source_addr, udh,
    data_coding: pdu.data_coding, esm_class: pdu.esm_class, behaviour: chosen };
  if (taken) remember("taken", reported(number));
  say({ event: "submitted", ...row });
  note(pdu, udh, row);
  if (refusal) return answer(session, pdu.response({ command_status: refusal }));
  if (chosen === "garbage") return session.socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  if (chosen === "reset") return session.socket.resetAndDestroy();
  if (chosen === "hang") return undefined;
  if (chosen === "drip") drip(session);
  const early = manners.has("early");
  if (early) receipts(number);
  const done = () => {
    if (chosen === "drop") session.socket.destroy();
    else if (chosen !== "hang-taken" && !session.over) answer(session, pdu.response({ message_id: id }));
    if (!early) setTimeout(() => receipts(number), Number(options["receipt-delay"]));
  };
  const pause = chosen === "late" ? Number(options.late) : chosen === "drop" ? 0 : Number(options.delay);
  return pause ? setTimeout(done, pause) : done();
}

const pem = options.tls ? readFileSync(options.tls) : undefined;
const server = smpp.createServer({ key: pem, cert: pem }, (session) => {
  session.on("error", () => {});
  session.on("close", () => {
    session.over = true;
    sessions.delete(session);
    if (bound === session) bound = null;
    say({ event: "closed" });
  });
  session.on("bind_transceiver", (pdu) => {
    const full = Number(options.binds) && sessions.size >= Number(options.binds);
    const status = is("bad-password") ? 0x0e : is("bind-fails") || full ? 0x0d : 0;
    say({ event: "bound", system_id: pdu.system_id, status });
    session.send(pdu.response({ command_status: status }));
    if (status) return;
    bound = session;
    sessions.add(session);
    unsaid.forEach((receipt) => report(session, receipt));
  });
  session.on("enquire_link", (pdu) => {
    say({ event: "enquired" });
    if (!is("deaf")) answer(session, pdu.response());
  });
  session.on("unbind", (pdu) => {
    answer(session, pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => submitted(session, pdu));
});
server.on("tlsClientError", () => say({ event: "refused" }));
recall();
server.listen(Number(options.port), "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
createInterface({ input: process.stdin }).on("line", (line) => (behaviour = line.trim())).on("close", () => process.exit());
