import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { tn } from "../../i18n/nodes";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { notify } from "../kit/Toast";
import { PeoplePicker } from "../rooms/PeoplePicker";
import { remoteError } from "../rooms/remote";
import { elsewhere, useChat } from "../state";
import { useRoomView } from "../timeline/view";

export function InvitePeople(props: { onClose: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const [users, setUsers] = createSignal<readonly string[]>([]);
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal("");
  const invite = async () => {
    setBusy(true);
    setError("");
    let asking = "";
    try {
      for (const user of users()) {
        asking = elsewhere(chat, user);
        const { waiting } = await chat.client.commands.roomInvite({ room: view.room, user });
        setUsers((left) => left.filter((u) => u !== user)); // what failed stays in the field
        notify(waiting ? t().room.asked : t().members.inviteSent(chat.name(user)));
      }
      props.onClose();
    } catch (e) {
      setError(remoteError(e, asking));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open title={t().members.inviteTitle} onClose={props.onClose}>
      <PeoplePicker label={tp().conversation.label} hint={tn().people.hint} chosen={users()} onChange={setUsers} />
      <Show when={error()}>
        <p class="form-error" role="alert">
          {error()}
        </p>
      </Show>
      <div class="dialog-actions">
        <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
        <Button look="primary" busy={busy()} disabled={users().length === 0} onClick={() => void invite()}>
          {t().members.invite}
        </Button>
      </div>
    </Dialog>
  );
}
