import { createSignal, Show, type JSX } from "solid-js";
import type { BridgeSetting } from "../../gen/client_pb";
import { tb } from "../../i18n/bridges";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { notify } from "../kit/Toast";
import { missing, SettingFields, type Values } from "./SettingFields";

/** Changes settings that are there, of a bridge or of one link: only what was touched is sent. */
export function ChangeSettings(props: { of: string; settings: readonly BridgeSetting[]; values: Values; hidden: readonly string[]; saved: string; save: (changed: Values) => Promise<unknown>; onClose: () => void; onChanged: () => void }): JSX.Element {
  const [values, setValues] = createSignal<Values>(props.values);
  const [changed, setChanged] = createSignal<Values>({});
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const lacking = missing(props.settings, values(), props.hidden);
    if (lacking) return void setError(tb().missing(lacking));
    if (Object.keys(changed()).length === 0) return props.onClose();
    setBusy(true);
    try {
      await props.save({ ...changed() });
      notify(props.saved);
      props.onChanged();
      props.onClose();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open wide title={`${props.of}: ${tb().settings}`} onClose={props.onClose}>
      <form class="form" onSubmit={(e) => void submit(e)} novalidate>
        <SettingFields settings={props.settings} values={values()} hidden={props.hidden} open={props.settings.every((s) => !s.required)} onChange={(key, value) => (setValues({ ...values(), [key]: value }), setChanged({ ...changed(), [key]: value }))} />
        <Show when={error()}>
          <p class="form-error" role="alert">
            {error()}
          </p>
        </Show>
        <div class="dialog-actions">
          <Button type="submit" look="primary" busy={busy()}>
            {tb().save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
