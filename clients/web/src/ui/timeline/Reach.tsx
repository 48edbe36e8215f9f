import { createSignal, onCleanup, Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { reachOf, type Reach as HowFar } from "../../client/nodes";
import { t } from "../../i18n";
import { Icon } from "../kit/Icon";
import { useChat, type State } from "../state";
import { useRoomView } from "./view";

const PATIENCE_MS = 4_000; // nobody needs to be told what a network always takes

export const reachText = (reach: HowFar): string => t().timeline.reached(reach.reached, reach.of);

export const reachIn = (chat: State, room: string, event: Event): HowFar | null => reachOf(event, chat.nodes(room), chat.me()?.node ?? "");

/** A small mark on one's own message that some node of the room does not have yet. */
export function Reach(props: { event: Event }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const wait = Number(props.event.time) + PATIENCE_MS - Date.now();
  const [late, setLate] = createSignal(wait <= 0);
  if (wait > 0) {
    const timer = setTimeout(() => setLate(true), wait);
    onCleanup(() => clearTimeout(timer));
  }
  const missing = () => {
    if (!late() || props.event.deleted) return undefined;
    const reach = reachIn(chat, view.room, props.event);
    return reach && reach.reached < reach.of ? reach : undefined;
  };
  return (
    <Show when={missing()}>
      {(reach) => (
        <span class="reach" role="img" aria-label={reachText(reach())} title={reachText(reach())}>
          <Icon name="clock" size={12} />
          <span aria-hidden="true">
            {reach().reached}/{reach().of}
          </span>
        </span>
      )}
    </Show>
  );
}
