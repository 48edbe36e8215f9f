import { DropdownMenu } from "@kobalte/core/dropdown-menu";
import { For, Show, type JSX } from "solid-js";
import { Icon, type IconName } from "./Icon";

export interface MenuEntry {
  label: string;
  icon?: IconName;
  danger?: boolean;
  checked?: boolean;
  onSelect: () => void;
}

interface MenuProps {
  label: string;
  icon?: IconName;
  class?: string;
  trigger?: JSX.Element;
  entries: readonly (MenuEntry | null)[]; // null: a line between groups
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  disabled?: boolean;
}

/** A button that opens a menu; arrows, Home, End, letters and Esc work in it. */
export function Menu(props: MenuProps): JSX.Element {
  return (
    <DropdownMenu gutter={4} placement="bottom-end" modal={false} open={props.open} onOpenChange={props.onOpenChange} preventScroll={false}>
      <DropdownMenu.Trigger class={props.class ?? "icon-button"} aria-label={props.label} title={props.label} disabled={props.disabled}>
        <Show when={props.trigger} fallback={<Icon name={props.icon ?? "more"} />}>
          {props.trigger}
        </Show>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu" aria-label={props.label}>
          <For each={props.entries}>
            {(entry) => (
              <Show when={entry} fallback={<DropdownMenu.Separator class="menu-line" />}>
                {(e) => (
                  <DropdownMenu.Item class={`menu-item ${e().danger ? "danger" : ""}`} onSelect={() => e().onSelect()}>
                    <Show when={e().icon}>{(icon) => <Icon name={icon()} />}</Show>
                    <span class="menu-label">{e().label}</span>
                    <Show when={e().checked}>
                      <Icon name="check" />
                    </Show>
                  </DropdownMenu.Item>
                )}
              </Show>
            )}
          </For>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}
