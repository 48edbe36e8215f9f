import { createEffect, createSignal, on, type Accessor, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { t } from "../../i18n";
import { speakerOf, useChat } from "../state";
import { isMessage } from "./rows";

/**
 * Reads new messages out to screen readers. The log itself is not live: scrolling a
 * virtual list makes and removes rows, and each would be read as if it were new.
 */
export function Announcer(props: { events: Accessor<readonly Event[]>; live: Accessor<boolean> }): JSX.Element {
  const chat = useChat();
  const [text, setText] = createSignal("");
  let newest: bigint | undefined;
  createEffect(
    on(props.events, (events) => {
      const last = events.findLast(isMessage);
      if (!last) return;
      if (newest !== undefined && props.live() && last.pos > newest && last.author !== chat.me()?.user && !chat.blocked(last.author))
        setText(t().timeline.announce(speakerOf(chat, last).name, last.text.slice(0, 300)));
      newest = newest === undefined || last.pos > newest ? last.pos : newest;
    }),
  );
  return (
    <div class="hidden-text" aria-live="polite">
      {text()}
    </div>
  );
}
