import { Show, Suspense, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { t } from "../../i18n";
import { IconButton } from "../kit/Button";
import { Menu } from "../kit/Menu";
import { Popover } from "../kit/Popover";
import { late } from "../late";
import { useMessageActions } from "./messageActions";
import { useHover } from "./hover";

const EmojiPicker = late(() => import("../emoji/EmojiPicker"));

/** The bar at a message's corner: the usual actions at hand, all of them in the menu. */
export function Actions(props: { event: Event }): JSX.Element {
  const hover = useHover();
  const actions = useMessageActions();
  const text = () => t().actions;
  const setOverlay = (what: "menu" | "emoji") => (open: boolean) => {
    if (open) hover.setOverlay(what);
    else if (hover.overlay() === what) hover.setOverlay("");
  };
  return (
    <div class="actions" role="toolbar" aria-label={text().label}>
      <Show when={actions.can.react()}>
        <Popover icon="smile" label={text().react} open={hover.overlay() === "emoji"} placement="bottom-end" onOpenChange={setOverlay("emoji")}>
          <Suspense>
            <EmojiPicker
              onPick={(emoji) => {
                hover.setOverlay("");
                void actions.react(props.event, emoji, true);
              }}
            />
          </Suspense>
        </Popover>
      </Show>
      <Show when={actions.can.reply()}>
        <IconButton icon="reply" label={text().reply} onClick={() => actions.reply(props.event)} />
      </Show>
      <Show when={actions.can.thread()}>
        <IconButton icon="thread" label={text().thread} onClick={() => actions.thread(props.event)} />
      </Show>
      <Show when={actions.can.edit(props.event)}>
        <IconButton icon="edit" label={text().edit} onClick={() => actions.edit(props.event)} />
      </Show>
      <Menu label={text().more} open={hover.overlay() === "menu"} onOpenChange={setOverlay("menu")} entries={actions.entries(props.event)} />
    </div>
  );
}
