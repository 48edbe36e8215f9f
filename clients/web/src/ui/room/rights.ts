import { createMemo, type Accessor } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { createLoad } from "../kit/load";
import type { State } from "../state";

/** What the caller may do in the room, asked again when the role or the members change. */
export function createRights(chat: State, room: string, summary: Accessor<RoomSummary | undefined>) {
  const version = createMemo(() => `${summary()?.role} ${summary()?.membership} ${summary()?.stateIndex} ${summary()?.frozen} ${summary()?.nodes} ${chat.membersVersion(room)} ${chat.connection().phase === "online"}`);
  const got = createLoad(version, () => chat.client.commands.roomGet({ room }));
  const usual = (name: string): boolean => {
    // Until the node has answered: what members may nearly always do.
    const role = summary()?.role;
    return summary()?.membership === "join" && role !== "readonly" && ["say", "react", "edit_own", "delete_own"].includes(name);
  };
  return {
    right: (name: string): boolean => !summary()?.frozen && (got.value()?.rights[name] ?? (got.value() ? false : usual(name))),
    found: () => got.value()?.summary,
    creator: () => got.value()?.creator ?? "",
    error: got.error,
    loading: got.loading,
    again: got.again,
  };
}
