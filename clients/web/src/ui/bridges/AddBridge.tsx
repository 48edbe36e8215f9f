import { createSignal, Show, type JSX } from "solid-js";
import type { BridgeKind } from "../../gen/client_pb";
import { tb } from "../../i18n/bridges";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field, Select } from "../kit/Field";
import { notify } from "../kit/Toast";
import { Markdown } from "../markdown/Markdown";
import { useChat } from "../state";
import { missing, SettingFields, type Values } from "./SettingFields";

export function AddBridge(props: { kinds: readonly BridgeKind[]; onAdded: () => void }): JSX.Element {
  const chat = useChat();
  const [kindName, setKind] = createSignal(props.kinds[0]?.kind ?? "");
  const [name, setName] = createSignal("");
  const [values, setValues] = createSignal<Values>({});
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const kind = () => props.kinds.find((k) => k.kind === kindName());
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const lacking = name().trim() ? missing(kind()?.settings ?? [], values()) : tb().name;
    if (lacking) return void setError(tb().missing(lacking));
    setBusy(true);
    setError("");
    try {
      const made = await chat.client.commands.adminBridgeAdd({ kind: kindName(), name: name().trim(), settings: { ...values() } });
      notify(tb().added(made.name));
      setName("");
      setValues({});
      props.onAdded();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form boxed" onSubmit={(e) => void submit(e)} novalidate>
      <h3>{tb().add}</h3>
      <Select label={tb().kind} value={kindName()} options={props.kinds.map((k) => ({ value: k.kind, label: k.title }))} onChange={(value) => (setKind(value), setValues({}))} />
      <Show when={kind()?.setup}>
        {(setup) => (
          <details class="bridge-more" open>
            <summary>{tb().setup}</summary>
            <Markdown id={`setup ${kindName()}`} text={setup()} mentions={[]} mentionRoom={false} />
          </details>
        )}
      </Show>
      <Field label={tb().name} hint={tb().nameHint} value={name()} maxlength={32} autocapitalize="none" autocomplete="off" spellcheck={false} onInput={setName} />
      <Show when={kindName()} keyed>
        <SettingFields settings={kind()?.settings ?? []} values={values()} hidden={[]} onChange={(key, value) => setValues({ ...values(), [key]: value })} />
      </Show>
      <Show when={error()}>
        <p class="form-error" role="alert">
          {error()}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {tb().addButton}
      </Button>
    </form>
  );
}
