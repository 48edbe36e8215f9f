import { createEffect, createSignal, createUniqueId, on, onCleanup, onMount, Show, Suspense, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button, IconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import { Popover } from "../kit/Popover";
import { late } from "../late";
import { isTouch } from "../media";
import { rememberEmoji } from "../preferences";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { AttachmentList } from "./AttachmentList";
import { createAttachments } from "./attachments";
import { complete, tokenAt, type Token } from "./completion";
import { ComposerContext } from "./Context";
import { createSuggestions, type Suggestion } from "./suggest";
import { Suggestions } from "./Suggestions";
import { createComposerText } from "./text";

const EmojiPicker = late(() => import("../emoji/EmojiPicker"));
const FormattingHelp = late(() => import("./FormattingHelp"));

export function Composer(props: { placeholder: string; autofocus?: boolean }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const files = createAttachments();
  const composer = createComposerText(files);
  const listId = createUniqueId();
  const [token, setToken] = createSignal<Token | null>(null, { equals: (a, b) => a?.kind === b?.kind && a?.query === b?.query && a?.from === b?.from });
  const suggestions = createSuggestions(chat, view, token);
  const [active, setActive] = createSignal(0);
  const [picker, setPicker] = createSignal(false);
  const [help, setHelp] = createSignal(false);
  const [over, setOver] = createSignal(false); // files are dragged over it
  let field: HTMLTextAreaElement | undefined;
  let chooser: HTMLInputElement | undefined;

  const takesFiles = (e: DragEvent) => view.mode().kind !== "edit" && !blocked() && (e.dataTransfer?.types.includes("Files") ?? false);
  const open = () => token() !== null && suggestions().length > 0;
  const blocked = () => (view.summary() && view.summary()?.membership !== "join" ? t().composer.notJoined : view.summary()?.frozen ? t().room.frozen(view.summary()!.frozen) : view.right("say") ? "" : t().composer.readonly);
  const grow = () => {
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.4)}px`;
  };
  const focus = () => {
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  };
  const look = () => field && setToken(field.selectionStart === field.selectionEnd ? tokenAt(field.value, field.selectionStart) : null);

  view.onFocusComposer(focus);
  onCleanup(() => view.onFocusComposer(() => {}));
  onMount(() => props.autofocus && !isTouch() && focus());
  createEffect(on(composer.text, () => queueMicrotask(grow)));
  createEffect(on(suggestions, () => setActive(0)));

  const replace = (text: string, caret: number) => {
    composer.change(text);
    field!.value = text;
    field!.focus();
    field!.setSelectionRange(caret, caret);
    look();
  };
  const pick = (s: Suggestion) => {
    const now = token();
    if (!now || !field) return;
    if (s.emoji) rememberEmoji(s.emoji);
    const done = complete(field.value, now, s.insert);
    setToken(null);
    replace(done.text, done.caret);
  };
  const insert = (what: string) => {
    if (!field) return;
    rememberEmoji(what);
    const at = field.selectionStart;
    replace(field.value.slice(0, at) + what + field.value.slice(field.selectionEnd), at + what.length);
  };
  const submit = () => {
    composer.submit();
    if (field) field.value = composer.text();
    grow();
  };

  const onCompletionKey = (e: KeyboardEvent): boolean => {
    if (!open()) return false;
    const count = suggestions().length;
    if (e.key === "ArrowDown") setActive((active() + 1) % count);
    else if (e.key === "ArrowUp") setActive((active() + count - 1) % count);
    else if (e.key === "Enter" || e.key === "Tab") pick(suggestions()[active()]!);
    else if (e.key === "Escape") setToken(null);
    else return false;
    e.preventDefault();
    e.stopPropagation();
    return true;
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.isComposing || e.keyCode === 229) return; // an input method is choosing characters
    if (onCompletionKey(e)) return;
    if (e.key === "Enter" && !e.shiftKey && !e.altKey && (!isTouch() || e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      submit();
    } else if (e.key === "Escape") {
      if (composer.cancel()) e.stopPropagation();
    } else if (e.key === "ArrowUp" && !composer.text() && !e.altKey && view.mode().kind === "new" && view.right("edit_own")) {
      const event = view.lastOwn();
      if (event) {
        e.preventDefault();
        view.setMode({ kind: "edit", event });
        queueMicrotask(focus);
      }
    }
  };

  return (
    <form
      class="composer"
      classList={{ over: over() }}
      onSubmit={(e) => (e.preventDefault(), submit())}
      onDragOver={(e) => takesFiles(e) && (e.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => takesFiles(e) && (e.preventDefault(), setOver(false), files.add(e.dataTransfer!.files))}
    >
      <Show when={open()}>
        <Suggestions id={listId} list={suggestions()} active={active()} onPick={pick} />
      </Show>
      <ComposerContext onCancel={() => (composer.cancel(), focus())} />
      <AttachmentList of={files} />
      <Show when={!blocked()} fallback={<p class="composer-blocked"><Icon name="lock" size={16} /> {blocked()}</p>}>
        <div class="composer-box" classList={{ wrong: composer.error() !== "" }}>
          <input ref={chooser} type="file" multiple hidden aria-label={t().files.attach} onChange={(e) => (files.add(e.currentTarget.files ?? []), (e.currentTarget.value = ""), focus())} />
          <IconButton class="composer-attach" icon="clip" label={t().files.attach} disabled={view.mode().kind === "edit"} onClick={() => chooser?.click()} />
          <textarea
            ref={field}
            rows="1"
            aria-label={t().composer.label}
            aria-autocomplete="list"
            aria-controls={open() ? listId : undefined}
            aria-activedescendant={open() ? `${listId}-${active()}` : undefined}
            aria-invalid={composer.error() ? "true" : undefined}
            aria-describedby={composer.error() ? `${listId}-error` : undefined}
            placeholder={props.placeholder}
            title={isTouch() ? undefined : t().composer.hint}
            enterkeyhint={isTouch() ? "enter" : "send"}
            dir="auto"
            value={composer.text()}
            onInput={(e) => (composer.change(e.currentTarget.value), look())}
            onKeyDown={onKeyDown}
            onKeyUp={(e) => ["ArrowLeft", "ArrowRight", "Home", "End"].includes(e.key) && look()}
            onClick={look}
            onBlur={() => setToken(null)}
            onPaste={(e) => e.clipboardData?.files.length && view.mode().kind !== "edit" && (e.preventDefault(), files.add(e.clipboardData.files))}
          />
          <IconButton class="composer-help" icon="format" label={t().composer.formatting} onClick={() => setHelp(true)} />
          <Popover icon="smile" label={t().composer.emoji} open={picker()} onOpenChange={setPicker}>
            <Suspense>
              <EmojiPicker onPick={(emoji) => (setPicker(false), setTimeout(() => insert(emoji), 60))} />
            </Suspense>
          </Popover>
          <Button type="submit" look="primary" class="composer-send" aria-label={view.mode().kind === "edit" ? t().composer.saveEdit : t().composer.send} title={view.mode().kind === "edit" ? t().composer.saveEdit : t().composer.send} busy={composer.busy()} disabled={(!composer.text().trim() && files.list().length === 0) || !files.ready() || composer.error() !== ""}>
            <Icon name={view.mode().kind === "edit" ? "check" : "send"} />
          </Button>
        </div>
      </Show>
      <Show when={files.error()}>
        <p class="field-error" role="alert">
          {files.error()}
        </p>
      </Show>
      <Show when={composer.error()}>
        <p class="field-error" role="alert" id={`${listId}-error`}>
          {composer.error()}
        </p>
      </Show>
      <Show when={help()}>
        <Suspense>
          <FormattingHelp onClose={() => setHelp(false)} />
        </Suspense>
      </Show>
    </form>
  );
}
