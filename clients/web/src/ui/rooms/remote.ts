import { language } from "../../i18n";
import { tn } from "../../i18n/nodes";
import { errorText } from "../errors";
import { nodeOf, type State } from "../state";

/** Why something that another node had to answer did not work; the node's own sentence is the most exact one. */
export function remoteError(error: unknown, node: string): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return node && code === "unavailable" && language() !== "en" ? tn().unreachable(node) : errorText(error);
}

/** Other nodes that one has to do with, for suggestions. */
export function knownNodes(chat: State): string[] {
  const names = new Set<string>();
  for (const room of chat.rooms()) {
    names.add(room.home);
    for (const user of [room.direct, room.alias]) if (user.includes("@")) names.add(nodeOf(user));
  }
  names.delete(chat.me()?.node ?? "");
  names.delete("");
  return [...names].sort();
}
