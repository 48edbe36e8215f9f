import { Dialog as Primitive } from "@kobalte/core/dialog";
import { Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { isTouch } from "../media";
import { IconButton } from "./Button";

/** A modal window: focus goes in and comes back, Esc closes. */
export function Dialog(props: { open: boolean; title: string; description?: string; wide?: boolean; hideHead?: boolean; class?: string; onClose: () => void; children: JSX.Element }): JSX.Element {
  return (
    <Primitive open={props.open} onOpenChange={(open) => !open && props.onClose()} preventScroll={false}>
      <Primitive.Portal>
        <Primitive.Overlay class="dialog-overlay" />
        <div class="dialog-place">
          <Primitive.Content onOpenAutoFocus={toField} class={`dialog ${props.wide ? "wide" : ""} ${props.class ?? ""}`}>
            <header class={props.hideHead ? "hidden-text" : "dialog-head"}>
              <Primitive.Title class="dialog-title" dir="auto">{props.title}</Primitive.Title>
              <Show when={!props.hideHead}>
                <IconButton icon="close" label={t().common.close} onClick={() => props.onClose()} />
              </Show>
            </header>
            <Show when={props.description}>
              <Primitive.Description class="dialog-text">{props.description}</Primitive.Description>
            </Show>
            {props.children}
          </Primitive.Content>
        </div>
      </Primitive.Portal>
    </Primitive>
  );
}

/** Who opens a window to fill it in types at once: not the button that closes it, which stands first, takes the focus. */
function toField(e: Event): void {
  const window = e.target as HTMLElement;
  const field = isTouch() ? null : (window.querySelector<HTMLElement>("[autofocus]") ?? window.querySelector<HTMLElement>("input:not([hidden]), textarea, select"));
  if (!field) return;
  e.preventDefault();
  field.focus();
}
