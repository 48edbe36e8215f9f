import { createSignal, Show, type JSX } from "solid-js";
import type { AdminUser } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { tr } from "../../i18n/register";
import { ts } from "../../i18n/settings";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { attempt } from "../errors";
import { Avatar } from "../kit/Avatar";
import { Confirm } from "../kit/Confirm";
import { Field } from "../kit/Field";
import { Menu, type MenuEntry } from "../kit/Menu";
import { notify } from "../kit/Toast";
import { MIN_PASSWORD } from "../signin/rules";
import { localPart, useChat } from "../state";

export function UserItem(props: { user: AdminUser; onChanged: () => void }): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [asked, setAsked] = createSignal<"" | "disable" | "password">("");
  const [password, setPassword] = createSignal("");
  const id = () => props.user.profile?.user ?? "";
  const name = () => props.user.profile?.displayName || localPart(id());
  const disabled = () => props.user.profile?.disabled ?? false;
  const seen = () => (props.user.seen > 0n ? dateTime(locale(), Number(props.user.seen)) : ta().never);

  const set = async (change: { admin?: boolean; disabled?: boolean; password?: string }) => {
    await commands.adminUserSet({ user: id(), ...change });
    props.onChanged();
  };
  const entries = (): (MenuEntry | null)[] => {
    const list: (MenuEntry | null)[] = [{ label: ta().resetPassword, icon: "lock", onSelect: () => setAsked("password") }];
    if (id() === chat.me()?.user) return list;
    list.push({ label: props.user.admin ? ta().removeAdmin : ta().makeAdmin, icon: "shield", onSelect: () => void attempt(() => set({ admin: !props.user.admin })) }, null);
    if (disabled()) list.push({ label: ta().enable, icon: "check", onSelect: () => void attempt(() => set({ disabled: false })) });
    else list.push({ label: ta().disable, icon: "alert", danger: true, onSelect: () => setAsked("disable") });
    return list;
  };
  const resetPassword = async () => {
    if (password().length < MIN_PASSWORD) throw Object.assign(new Error(tr().shortPassword), { code: "invalid" });
    await set({ password: password() });
    setPassword("");
    notify(ta().passwordSet);
  };
  return (
    <li class="plain-item">
      <Avatar id={id()} name={name()} blob={props.user.profile?.avatar} size={36} />
      <div class="card-main">
        <span class="card-title">
          {name()}
          <Show when={props.user.admin}>
            <span class="role role-administrator">{ta().administrator}</span>
          </Show>
          <Show when={disabled()}>
            <span class="role role-disabled">{ta().disabled}</span>
          </Show>
        </span>
        <span class="card-detail">
          {id()} · {ta().lastSeen}: {seen()} · {ta().devices(props.user.devices)}
        </span>
      </div>
      <Menu label={ta().actions(name())} entries={entries()} />
      <Confirm open={asked() === "disable"} title={ta().disableTitle(name())} text={ta().disableText} action={ta().disable} onClose={() => setAsked("")} onConfirm={() => set({ disabled: true })} />
      <Confirm open={asked() === "password"} title={ta().resetTitle(name())} text={ta().resetText} action={ta().resetPassword} onClose={() => setAsked("")} onConfirm={resetPassword}>
        <Field label={ts().newPassword} type="password" autocomplete="new-password" hint={tr().passwordHint} value={password()} onInput={setPassword} />
      </Confirm>
    </li>
  );
}
