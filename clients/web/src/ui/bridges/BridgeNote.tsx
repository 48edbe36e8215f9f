import { createMemo, For, type JSX } from "solid-js";
import { tb } from "../../i18n/bridges";
import { Icon } from "../kit/Icon";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { stateText } from "./BridgeState";

const CALM = new Set(["connected", "unknown", "ended", "waiting"]);

/** At the top of a bridged room, while what is said in it does not reach the other network. */
export default function BridgeNote(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const source = createMemo(() => `${chat.bridgesVersion(view.room)} ${chat.connection().phase}`);
  const load = createLoad(source, () => chat.client.commands.roomBridges({ room: view.room, limit: 1 }));
  const troubled = () => (load.value()?.bridges ?? []).filter((b) => b.own && b.status && !CALM.has(b.status.state));
  return (
    <For each={troubled()}>
      {(bridge) => (
        <p class="room-note">
          <Icon name="bridge" size={15} />
          <span dir="auto">
            {tb().room.note(bridge.place, stateText(bridge.status!.state))} {bridge.status!.reason}
          </span>
        </p>
      )}
    </For>
  );
}
