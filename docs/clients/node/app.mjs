// A service that signs citizens in by the portal, with openid-client: sign-in, step-up, refresh, sign-out, being told
// of sign-outs. Settings come from the environment: ISSUER, CLIENT_ID, CLIENT_SECRET, PORT. Sessions are in memory;
// a real service keeps them where all its processes see them.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oidc from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = "8000" } = process.env;
const HERE = `http://127.0.0.1:${PORT}`;
const CODE_BY_SMS = "urn:tamin:acr:code";
const LOGOUT = "http://schemas.openid.net/event/backchannel-logout";
const ALGORITHMS = ["ES256", "RS256"];
const MOST = 10_000; // sessions

const plain = new URL(ISSUER).protocol === "http:"; // a portal on this machine; never in real service
const portal = await oidc.discovery(
  new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET),
  { execute: plain ? [oidc.allowInsecureRequests] : [] },
);
oidc.enableNonRepudiationChecks(portal); // check the signature of ID tokens, too
const keys = createRemoteJWKSet(new URL(portal.serverMetadata().jwks_uri));

const sessions = new Map(); // the cookie's value → what we know of that browser
const heard = new Map(); // jti of logout tokens → when it expires

async function signIn(session, url, response) {
  if (!session.id) session = begin(response);
  const step = url.searchParams.get("level") === "code" ? { acr_values: CODE_BY_SMS } : {};
  const verifier = oidc.randomPKCECodeVerifier();
  session.asked = { verifier, state: oidc.randomState(), nonce: oidc.randomNonce(), acr: step.acr_values };
  // Pushed first (PAR): the address that the browser brings says nothing. buildAuthorizationUrl() does without.
  return oidc.buildAuthorizationUrlWithPAR(portal, {
    redirect_uri: `${HERE}/callback`,
    scope: "openid profile phone",
    state: session.asked.state,
    nonce: session.asked.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...step,
  });
}

// Where the citizen comes back to. openid-client compares state, nonce, `iss` of the answer, and checks the ID token.
async function callback(session, url, response) {
  const asked = session.asked;
  if (!asked) return new URL(HERE);
  delete session.asked;
  const tokens = await oidc.authorizationCodeGrant(portal, url, {
    pkceCodeVerifier: asked.verifier, expectedState: asked.state, expectedNonce: asked.nonce, idTokenExpected: true,
  });
  const said = tokens.claims();
  if (asked.acr && said.acr !== asked.acr) throw new Error("The portal is less sure of this citizen than we asked.");
  const userinfo = await oidc.fetchUserInfo(portal, tokens.access_token, said.sub);
  sessions.delete(session.id); // whoever planted its cookie in this browser before the sign-in holds nothing
  Object.assign(begin(response), {
    idToken: tokens.id_token, said, accessToken: tokens.access_token, refreshToken: tokens.refresh_token,
    userinfo,
  });
  return new URL(HERE);
}

// A refresh token works once. If this fails, the citizen was signed out: begin again.
async function refresh(session) {
  const tokens = await oidc.refreshTokenGrant(portal, session.refreshToken);
  session.accessToken = tokens.access_token;
  session.refreshToken = tokens.refresh_token;
  session.userinfo = await oidc.fetchUserInfo(portal, session.accessToken, session.said.sub);
  return new URL(HERE);
}

function signOut(session) {
  const hint = session.idToken;
  sessions.delete(session.id);
  if (!hint) return new URL(HERE);
  return oidc.buildEndSessionUrl(portal, { id_token_hint: hint, post_logout_redirect_uri: `${HERE}/` });
}

// The portal tells us of a sign-out (OpenID Connect Back-Channel Logout 1.0, 2.6). 400 for what is no logout token.
async function toldOfSignOut(form) {
  const { payload } = await jwtVerify(form.get("logout_token") ?? "", keys, {
    issuer: ISSUER, audience: CLIENT_ID, algorithms: ALGORITHMS, typ: "logout+jwt", requiredClaims: ["jti", "exp"],
  });
  const isOne = payload.events?.[LOGOUT] && !("nonce" in payload) && (payload.sid || payload.sub);
  if (!isOne || heard.has(payload.jti)) throw new Error("This is no logout token, or it came before.");
  heard.set(payload.jti, payload.exp);
  for (const [jti, expires] of heard) if (expires < Date.now() / 1000 - 300) heard.delete(jti);
  for (const [id, { said }] of sessions) {
    if (said && (payload.sid ? said.sid === payload.sid : said.sub === payload.sub)) sessions.delete(id);
  }
}

function page({ said, userinfo }) {
  const text = (value) => String(value).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const button = (path, label) => `<form method="post" action="${path}"><button>${label}</button></form>`;
  return '<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>نمونه</title>' + (said
    ? `<h1>${text(userinfo.name)}</h1><pre dir="ltr">${text(JSON.stringify({ id_token: said, userinfo }, null, 1))}</pre>
       <p><a href="/sign-in?level=code">با کد پیامکی</a></p>${button("/refresh", "دوباره بپرس")}${button("/sign-out", "خروج")}`
    : '<h1>وارد نشده‌اید</h1><p><a href="/sign-in">ورود با حساب کاربری تأمین اجتماعی</a></p>');
}

// The session of the browser's cookie; one without an id where there is none.
function sessionOf(request) {
  const id = /(?:^|; )client-session=([\w-]{43})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
  return sessions.get(id) ?? {};
}

function begin(response) {
  if (sessions.size >= MOST) { // strangers can begin very many: the oldest that nobody signed in to goes first
    const waits = [...sessions.values()].find(({ said }) => !said);
    sessions.delete(waits?.id ?? sessions.keys().next().value);
  }
  const session = { id: randomBytes(32).toString("base64url") };
  sessions.set(session.id, session);
  response.setHeader("Set-Cookie", `client-session=${session.id}; Path=/; HttpOnly; SameSite=Lax`); // https: add Secure
  return session;
}

async function formOf(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > 20_000) throw new Error("too long");
  }
  return new URLSearchParams(text);
}

const ways = { "GET /sign-in": signIn, "GET /callback": callback, "POST /refresh": refresh, "POST /sign-out": signOut };

async function answer(request, response) {
  const url = new URL(request.url, HERE);
  const asked = `${request.method} ${url.pathname}`;
  response.setHeader("Cache-Control", "no-store");
  if (asked === "POST /backchannel") {
    await toldOfSignOut(await formOf(request));
    return response.end();
  }
  if (asked !== "GET /" && !ways[asked]) return response.writeHead(404).end();
  const session = sessionOf(request);
  if (ways[asked]) {
    const address = String(await ways[asked](session, url, response));
    return response.writeHead(303, { Location: address }).end();
  }
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  return response.end(page(session));
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.code ?? "", error.message); // never the whole error: it may hold tokens
    if (!response.headersSent) response.writeHead(400, { "Content-Type": "text/plain; charset=utf-8" });
    response.end(`This did not work: ${error.error ?? error.code ?? error.message}\n`);
  });
}).listen(Number(PORT), "127.0.0.1", () => console.log(`ready: ${HERE}`));
