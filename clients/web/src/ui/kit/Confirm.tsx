import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { errorText } from "../errors";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

/** Asks before something that cannot be taken back; stays open and says why when it fails. */
export function Confirm(props: { open: boolean; title: string; text: string; action: string; children?: JSX.Element; onClose: () => void; onConfirm: () => Promise<unknown> | void }): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal("");
  const confirm = async () => {
    setBusy(true);
    setError("");
    try {
      await props.onConfirm();
      props.onClose();
    } catch (e) {
      setError(errorText(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={props.open} title={props.title} description={props.text} onClose={props.onClose}>
      {props.children}
      <Show when={error()}>
        <p class="field-error" role="alert">
          {error()}
        </p>
      </Show>
      <div class="dialog-actions">
        <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
        <Button look="danger" busy={busy()} onClick={() => void confirm()}>
          {props.action}
        </Button>
      </div>
    </Dialog>
  );
}
