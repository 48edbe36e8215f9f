import { createUniqueId, onMount, Show, splitProps, type JSX } from "solid-js";
import { isTouch } from "../media";

type FieldProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "id" | "onInput"> & {
  label: string;
  hint?: string;
  error?: string;
  hideLabel?: boolean;
  onInput?: (value: string) => void;
};

/** A labelled text field; what is wrong with it is said right below it. */
export function Field(props: FieldProps): JSX.Element {
  const id = createUniqueId();
  let input: HTMLInputElement | undefined;
  // The browser heeds the attribute once a page, if at all.
  onMount(() => props.autofocus && !isTouch() && input?.focus());
  const [own, rest] = splitProps(props, ["label", "hint", "error", "hideLabel", "onInput", "class"]);
  const described = () => [own.hint && `${id}-hint`, own.error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div class={`field ${own.class ?? ""}`}>
      <label for={id} class={own.hideLabel ? "hidden-text" : ""}>
        {own.label}
      </label>
      <input
        ref={input}
        type="text"
        {...rest}
        id={id}
        aria-invalid={own.error ? "true" : undefined}
        aria-describedby={described()}
        onInput={(e) => own.onInput?.(e.currentTarget.value)}
      />
      <Show when={own.hint}>
        <p class="hint" id={`${id}-hint`}>
          {own.hint}
        </p>
      </Show>
      <Show when={own.error}>
        <p class="field-error" role="alert" id={`${id}-error`}>
          {own.error}
        </p>
      </Show>
    </div>
  );
}

/** A labelled on/off choice. */
export function Check(props: { label: string; hint?: string; checked: boolean; disabled?: boolean; onChange: (on: boolean) => void }): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="check">
      <input type="checkbox" id={id} checked={props.checked} disabled={props.disabled} aria-describedby={props.hint ? `${id}-hint` : undefined} onChange={(e) => props.onChange(e.currentTarget.checked)} />
      <label for={id}>{props.label}</label>
      <Show when={props.hint}>
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      </Show>
    </div>
  );
}

export function Select<T extends string>(props: { label: string; value: T; options: readonly { value: T; label: string }[]; hideLabel?: boolean; disabled?: boolean; onChange: (value: T) => void }): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? "hidden-text" : ""}>
        {props.label}
      </label>
      <select id={id} disabled={props.disabled} onChange={(e) => props.onChange(e.currentTarget.value as T)}>
        {props.options.map((option) => (
          <option value={option.value} selected={option.value === props.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Choices of which one holds, side by side; arrow keys move between them, as radio buttons do. */
export function Choice<T extends string>(props: { label: string; hideLabel?: boolean; value: T; options: readonly { value: T; label: string; hint?: string }[]; onChange: (value: T) => void }): JSX.Element {
  const name = createUniqueId();
  return (
    <fieldset class="choice">
      <legend class={props.hideLabel ? "hidden-text" : ""}>{props.label}</legend>
      <div class="choice-row">
        {props.options.map((option) => (
          <label class="choice-option">
            <input type="radio" name={name} value={option.value} checked={option.value === props.value} onChange={() => props.onChange(option.value)} />
            <span class="choice-label">{option.label}</span>
            <Show when={option.hint}>
              <span class="hint">{option.hint}</span>
            </Show>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
