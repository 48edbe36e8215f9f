import { createSignal } from "solid-js";

export type Route =
  | { page: "home" }
  | { page: "room"; room: string; event: string }
  | { page: "settings" }
  | { page: "admin" }
  | { page: "find" }
  | { page: "invite"; secret: string }
  | { page: "node"; name: string }; // a link meant for another node

/** What an address after the # stands for; anything unknown is home. */
export function parseRoute(hash: string): Route {
  const [, page = "", a = "", b = "", c = ""] = hash.replace(/^#/, "").split("/").map(decode);
  if (page === "room" && a) return { page, room: a, event: b === "event" ? c : "" };
  if (page === "node" && a) return { page, name: a };
  if (page === "invite" && a) return { page, secret: a };
  if (page === "settings" || page === "admin" || page === "find") return { page };
  return { page: "home" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const toRoom = (room: string, event = ""): string =>
  `#/room/${encodeURIComponent(room)}${event ? `/event/${encodeURIComponent(event)}` : ""}`;

const [route, setRoute] = createSignal<Route>(parseRoute(globalThis.location?.hash ?? ""));
export { route };

if (typeof addEventListener === "function") addEventListener("hashchange", () => setRoute(parseRoute(location.hash)));

/** Goes to an address; `replace` leaves no step for the back button. */
export function go(hash: string, replace = false): void {
  if (location.hash === hash) {
    setRoute(parseRoute(hash));
    return;
  }
  if (replace) {
    history.replaceState(null, "", hash);
    setRoute(parseRoute(hash));
  } else location.hash = hash;
}
