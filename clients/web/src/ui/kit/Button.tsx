import { splitProps, type JSX } from "solid-js";
import { Icon, type IconName } from "./Icon";

type ButtonProps = JSX.ButtonHTMLAttributes<HTMLButtonElement> & { look?: "plain" | "primary" | "danger" | "quiet"; small?: boolean; busy?: boolean };

export function Button(props: ButtonProps): JSX.Element {
  const [own, rest] = splitProps(props, ["look", "small", "busy", "class", "disabled"]);
  return (
    <button
      type="button"
      {...rest}
      disabled={own.disabled || own.busy}
      aria-busy={own.busy ? "true" : undefined}
      class={`button ${own.look ?? "plain"}${own.small ? " small" : ""} ${own.class ?? ""}`}
    />
  );
}

type IconButtonProps = JSX.ButtonHTMLAttributes<HTMLButtonElement> & { icon: IconName; label: string; size?: number };

/** A button that shows only a sign: its label is its accessible name and its tooltip. */
export function IconButton(props: IconButtonProps): JSX.Element {
  const [own, rest] = splitProps(props, ["icon", "label", "size", "class"]);
  return (
    <button type="button" title={own.label} {...rest} aria-label={own.label} class={`icon-button ${own.class ?? ""}`}>
      <Icon name={own.icon} size={own.size} />
    </button>
  );
}
