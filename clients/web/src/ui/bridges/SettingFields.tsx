import { For, Match, Show, Switch, type JSX } from "solid-js";
import type { BridgeSetting } from "../../gen/client_pb";
import { tb } from "../../i18n/bridges";
import { Check, Field, Select } from "../kit/Field";

export type Values = Readonly<Record<string, string>>;

/** A plugin says what it wants to know; this asks for it. What comes behind all that is required mostly stays as it is. */
export function SettingFields(props: { settings: readonly BridgeSetting[]; values: Values; hidden: readonly string[]; open?: boolean; onChange: (name: string, value: string) => void }): JSX.Element {
  const field = (setting: BridgeSetting) => <SettingField setting={setting} value={props.values[setting.name] ?? setting.default} hidden={props.hidden.includes(setting.name)} onChange={(value) => props.onChange(setting.name, value)} />;
  const first = () => props.settings.findLastIndex((s) => s.required) + 1;
  const rest = () => props.settings.slice(first());
  return (
    <>
      <For each={props.settings.slice(0, first())}>{field}</For>
      <Show when={rest().length > 0}>
        <details class="bridge-more" open={props.open}>
          <summary>{tb().optional}</summary>
          <div class="form">
            <For each={rest()}>{field}</For>
          </div>
        </details>
      </Show>
    </>
  );
}

function SettingField(props: { setting: BridgeSetting; value: string; hidden: boolean; onChange: (value: string) => void }): JSX.Element {
  const { setting } = props;
  const hint = () => (props.hidden ? tb().hidden : setting.help);
  return (
    <Switch fallback={<Field label={setting.title} hint={hint()} value={props.value} inputmode={setting.type === "number" ? "numeric" : undefined} autocapitalize="none" autocomplete="off" spellcheck={false} onInput={props.onChange} />}>
      <Match when={setting.type === "switch"}>
        <Check label={setting.title} hint={setting.help} checked={props.value === "true"} onChange={(on) => props.onChange(String(on))} />
      </Match>
      <Match when={setting.type === "choice"}>
        <Select label={setting.title} value={props.value} options={setting.choices.map((value) => ({ value, label: value }))} onChange={props.onChange} />
        <p class="hint">{setting.help}</p>
      </Match>
      <Match when={setting.type === "secret"}>
        <Field label={setting.title} hint={hint()} type="password" value={props.value} autocomplete="off" onInput={props.onChange} />
      </Match>
      <Match when={setting.type === "list"}>
        <label class="field">
          <span>{setting.title}</span>
          <textarea rows="3" value={props.value} autocapitalize="none" spellcheck={false} onInput={(e) => props.onChange(e.currentTarget.value)} />
          <span class="hint">{hint()}</span>
        </label>
      </Match>
    </Switch>
  );
}

/** What is required and was not said; "" when all is there. */
export function missing(settings: readonly BridgeSetting[], values: Values, hidden: readonly string[] = []): string {
  return settings.find((s) => s.required && !(values[s.name] ?? s.default).trim() && !hidden.includes(s.name))?.title ?? "";
}
