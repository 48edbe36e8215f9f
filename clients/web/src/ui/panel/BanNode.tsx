import { createSignal, Show, type JSX } from "solid-js";
import { tn } from "../../i18n/nodes";
import { Confirm } from "../kit/Confirm";
import { Field } from "../kit/Field";

/** Asks before a node is banned from the room; `node` empty: which one is asked as well. */
export function BanNode(props: { node: string; onClose: () => void; onBan: (node: string, reason: string) => Promise<unknown> }): JSX.Element {
  const [name, setName] = createSignal("");
  const [reason, setReason] = createSignal("");
  const ban = async () => {
    const node = props.node || name().trim().toLowerCase();
    if (!node) throw Object.assign(new Error(tn().room.missing), { code: "missing" });
    await props.onBan(node, reason().trim());
  };
  return (
    <Confirm open title={props.node ? tn().room.banTitle(props.node) : tn().room.banOtherTitle} text={tn().room.banText} action={tn().room.ban} onClose={props.onClose} onConfirm={ban}>
      <div class="form">
        <Show when={!props.node}>
          <Field label={tn().room.name} value={name()} autocapitalize="none" spellcheck={false} onInput={setName} />
        </Show>
        <Field label={tn().room.reason} value={reason()} maxlength={200} onInput={setReason} />
      </div>
    </Confirm>
  );
}
