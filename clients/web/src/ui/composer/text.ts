// The text of a composer: drafts kept by the client, edits beside them, sending.
import { createEffect, createSignal, on, type Accessor } from "solid-js";
import { errorText } from "../errors";
import { useChat } from "../state";
import { newKey } from "../timeline/messageActions";
import { useRoomView } from "../timeline/view";
import { t } from "../../i18n";
import type { Attachments } from "./attachments";
import { byteLength, MAX_BYTES, readCommand } from "./completion";

export interface ComposerText {
  text: Accessor<string>;
  error: Accessor<string>;
  busy: Accessor<boolean>;
  change: (text: string) => void;
  submit: () => void;
  cancel: () => boolean; // whether there was something to cancel
}

export function createComposerText(files: Attachments): ComposerText {
  const chat = useChat();
  const view = useRoomView();
  const { client } = chat;
  const thread = view.thread || undefined;
  const [text, setText] = createSignal(client.draft(view.room, thread));
  const [failed, setFailed] = createSignal("");
  const [busy, setBusy] = createSignal(false);

  createEffect(
    on(
      view.mode,
      (mode, before) => {
        setFailed("");
        if (mode.kind === "edit") setText(mode.event.text);
        else if (before?.kind === "edit") setText(client.draft(view.room, thread));
      },
      { defer: true },
    ),
  );

  const tooLong = () => (byteLength(text()) > MAX_BYTES ? t().composer.tooLong(Math.ceil(byteLength(text()) / 1024)) : "");

  const change = (next: string) => {
    setText(next);
    setFailed("");
    if (view.mode().kind !== "edit") client.setDraft(view.room, next, thread);
    client.setTyping(view.room, next.trim() !== "");
  };

  const submit = () => {
    const mode = view.mode();
    const body = text().trim();
    if (busy() || tooLong() || !files.ready()) return;
    if (mode.kind === "edit") return void saveEdit(mode.event.id, mode.event.text, body);
    if (!body && files.list().length === 0) return;
    const message = readCommand(body);
    client.send(view.room, { ...message, files: files.take(), replyTo: mode.kind === "reply" ? mode.event.id : undefined, thread });
    view.showNewest();
    client.setTyping(view.room, false);
    client.setDraft(view.room, "", thread);
    setText("");
    view.setMode({ kind: "new" });
  };

  const saveEdit = async (event: string, before: string, after: string) => {
    if (!after || after === before) return view.setMode({ kind: "new" });
    setBusy(true);
    try {
      await client.commands.edit({ room: view.room, event, text: after, key: newKey() });
      view.setMode({ kind: "new" });
    } catch (e) {
      setFailed(errorText(e));
    } finally {
      setBusy(false);
    }
  };

  const cancel = () => {
    if (view.mode().kind === "new") return false;
    view.setMode({ kind: "new" });
    return true;
  };

  return { text, busy, change, submit, cancel, error: () => tooLong() || failed() };
}
