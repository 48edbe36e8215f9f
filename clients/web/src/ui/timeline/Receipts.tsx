import { createContext, For, Show, useContext, type JSX } from "solid-js";
import { t } from "../../i18n";
import { UserAvatar } from "../kit/Avatar";
import { useChat } from "../state";

const SHOWN = 4;

export const ReceiptsContext = createContext<(key: string) => readonly string[] | undefined>(() => undefined);

/** Small pictures of those who have read up to this message. */
export function Receipts(props: { id: string }): JSX.Element {
  const chat = useChat();
  const place = useContext(ReceiptsContext);
  const users = () => place(props.id) ?? [];
  const names = () => t().timeline.seenBy(users().map((u) => chat.name(u)).join(", "));
  return (
    <Show when={users().length > 0}>
      <div class="receipts" role="img" aria-label={names()} title={names()}>
        <For each={users().slice(0, SHOWN)}>{(user) => <UserAvatar user={user} size={16} />}</For>
        <Show when={users().length > SHOWN}>
          <span class="receipts-more">{t().timeline.seenMore(users().length - SHOWN)}</span>
        </Show>
      </div>
    </Show>
  );
}
