import { Popover as Primitive } from "@kobalte/core/popover";
import { Show, type JSX } from "solid-js";
import { Icon, type IconName } from "./Icon";

interface PopoverProps {
  label: string;
  icon: IconName;
  class?: string;
  open: boolean;
  disabled?: boolean;
  placement?: "top-start" | "top-end" | "bottom-end" | "bottom-start";
  onOpenChange: (open: boolean) => void;
  children: JSX.Element;
}

/** A button with a small window beside it. The content is made when it first opens. */
export function Popover(props: PopoverProps): JSX.Element {
  return (
    <Primitive open={props.open} onOpenChange={props.onOpenChange} placement={props.placement ?? "top-end"} gutter={6} preventScroll={false}>
      <Primitive.Trigger class={props.class ?? "icon-button"} aria-label={props.label} title={props.label} disabled={props.disabled}>
        <Icon name={props.icon} />
      </Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content class="popover" aria-label={props.label}>
          <Show when={props.open}>{props.children}</Show>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive>
  );
}
