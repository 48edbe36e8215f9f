import { Match, Switch, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Confirm } from "../kit/Confirm";
import { useChat } from "../state";
import { newKey } from "../timeline/messageActions";
import { useRoomView } from "../timeline/view";
import { EditHistory } from "./EditHistory";

/** The window a message's action asked for. */
export function Asked(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const close = () => view.setAsk(null);
  const asked = (kind: "delete" | "edits") => {
    const ask = view.ask();
    return ask?.kind === kind ? ask.event : undefined;
  };
  return (
    <Switch>
      <Match when={asked("delete")}>
        {(event) => <Confirm open title={t().actions.deleteTitle} text={t().actions.deleteText} action={t().actions.delete} onClose={close} onConfirm={() => chat.client.commands.delete({ room: view.room, event: event().id, key: newKey() })} />}
      </Match>
      <Match when={asked("edits")}>{(event) => <EditHistory event={event()} onClose={close} />}</Match>
    </Switch>
  );
}
