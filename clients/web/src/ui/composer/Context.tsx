import { Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { IconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import { speakerOf, useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { plain } from "../markdown/plain";

/** Above the text field: what it answers or edits, and a way out of that. */
export function ComposerContext(props: { onCancel: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const about = () => {
    const mode = view.mode();
    return mode.kind === "new" ? undefined : mode;
  };
  return (
    <Show when={about()}>
      {(mode) => (
        <div class="composer-context">
          <Icon name={mode().kind === "edit" ? "edit" : "reply"} size={15} />
          <span class="composer-context-title">{mode().kind === "edit" ? t().composer.editing : t().composer.replying(speakerOf(chat, mode().event).name)}</span>
          <Show when={mode().kind === "reply"}>
            <span class="composer-context-text">{plain(mode().event.text)}</span>
          </Show>
          <IconButton icon="close" size={15} label={mode().kind === "edit" ? t().composer.cancelEdit : t().composer.cancelReply} onClick={() => props.onCancel()} />
        </div>
      )}
    </Show>
  );
}
