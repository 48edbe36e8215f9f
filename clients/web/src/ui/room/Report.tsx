import { createSignal, createUniqueId, Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { t } from "../../i18n";
import { tn } from "../../i18n/nodes";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { notify } from "../kit/Toast";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";

const MAX_REASON = 500;

/** Asks what is wrong with a message, and tells the administrators. */
export default function Report(props: { event: Event; onClose: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const id = createUniqueId();
  const [reason, setReason] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal("");
  const left = () => MAX_REASON - [...reason()].length;
  const send = async (e: SubmitEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await chat.client.commands.report({ room: view.room, event: props.event.id, reason: reason().trim() });
      notify(tn().report.sent);
      props.onClose();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open title={tn().report.title} description={tn().report.text} onClose={props.onClose}>
      <form class="form" onSubmit={(e) => void send(e)}>
        <blockquote class="reported">
          <span class="hint">{tn().report.about(chat.name(props.event.author))}</span>
          <p dir="auto">{props.event.text}</p>
        </blockquote>
        <div class="field">
          <label for={id}>{tn().report.reason}</label>
          <textarea id={id} class="text-area" rows="3" maxlength={MAX_REASON} dir="auto" aria-describedby={`${id}-left`} value={reason()} onInput={(e) => setReason(e.currentTarget.value)} />
          <p class="hint" id={`${id}-left`}>
            {tn().report.left(left())}
          </p>
        </div>
        <Show when={error()}>
          <p class="form-error" role="alert">
            {error()}
          </p>
        </Show>
        <div class="dialog-actions">
          <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy()}>
            {tn().report.send}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
