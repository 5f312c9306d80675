// An SMSC for tests, over the npm package `smpp`: `node tests/smpp_peer.mjs --port 0 --behaviour ok`.
// Its first line of output is the port; then one JSON line for each event. Behaviours, changed by a line
// on stdin: ok, throttle (every submit), throttle-parts (all but the first, once each), refuse (0x0B), drop (takes it
// and ends the connection), hang-taken, garbage, bad-password, deaf (answers no enquire_link).
// --receipts none|once|three|reversed|early, --delay milliseconds before an answer.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const smpp = createRequire(import.meta.url)("smpp");
const options = { port: "0", behaviour: "ok", receipts: "none", delay: "0" };
for (let at = 2; at < process.argv.length; at += 2) options[process.argv[at].slice(2)] = process.argv[at + 1];
let behaviour = options.behaviour;
let last = 0;
const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const throttled = new Set();

function receipt(session, id, stat) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:${stat} err:000 text:`;
  session.deliver_sm({ esm_class: 4, short_message: text, receipted_message_id: id }, (pdu) =>
    say({ event: "acknowledged", id, stat, status: pdu.command_status }),
  );
}

function receipts(session, id) {
  const stats = ["ACCEPTD", "DELIVRD"].flatMap((stat) => Array(options.receipts === "three" ? 3 : 1).fill(stat));
  if (options.receipts === "reversed") stats.reverse();
  for (const stat of stats) receipt(session, id, stat);
}

function submitted(session, pdu) {
  const message = pdu.short_message.message;
  const udh = pdu.short_message.udh ? pdu.short_message.udh.map((ie) => ie.toString("hex")) : null;
  const later = behaviour === "throttle-parts" && udh && !udh[0].endsWith("01") && !throttled.has(udh[0]);
  const refusal = behaviour === "refuse" ? 0x0b : behaviour === "throttle" || later ? 0x58 : 0;
  if (later) throttled.add(udh[0]);
  const taken = refusal === 0 && behaviour !== "garbage";
  const id = taken ? `m${++last}` : "";
  say({ event: "submitted", taken, id, to: pdu.destination_addr, text: message, from: pdu.source_addr,
    udh, data_coding: pdu.data_coding, esm_class: pdu.esm_class, behaviour });
  if (refusal) return session.send(pdu.response({ command_status: refusal }));
  if (behaviour === "garbage") return session.socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  if (options.receipts === "early") receipts(session, id);
  if (behaviour === "hang-taken") return undefined;
  if (behaviour === "drop") return session.socket.destroy();
  const answer = () => {
    session.send(pdu.response({ message_id: id }));
    if (options.receipts !== "none" && options.receipts !== "early") setTimeout(() => receipts(session, id), 20);
  };
  return Number(options.delay) ? setTimeout(answer, Number(options.delay)) : answer();
}

const server = smpp.createServer((session) => {
  session.on("error", () => {});
  session.on("close", () => say({ event: "closed" }));
  session.on("bind_transceiver", (pdu) => {
    const status = behaviour === "bad-password" ? 0x0e : 0;
    say({ event: "bound", system_id: pdu.system_id, status });
    session.send(pdu.response({ command_status: status }));
  });
  session.on("enquire_link", (pdu) => {
    say({ event: "enquired" });
    if (behaviour !== "deaf") session.send(pdu.response());
  });
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => submitted(session, pdu));
});
server.listen(Number(options.port), "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
createInterface({ input: process.stdin }).on("line", (line) => (behaviour = line.trim())).on("close", () => process.exit());
