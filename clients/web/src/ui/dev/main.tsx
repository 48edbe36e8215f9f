// The page with made-up data: ?signedout ?offline ?ws ?traffic ?registration=open. Development only.
import { mount } from "../mount";
import { FakeClient } from "./fake";

const query = new URLSearchParams(location.search);
const client = new FakeClient({
  phase: query.has("offline") ? "offline" : "online",
  transport: query.has("ws") ? "websocket" : "webtransport",
  signedOut: query.has("signedout"),
  admin: true,
  traffic: query.has("traffic"),
  registration: query.get("registration") ?? "invite",
});
Object.assign(globalThis, { fake: client });
mount(document.getElementById("root")!, client);
