import { type JSX } from "solid-js";
import { t } from "../../i18n";
import { UserAvatar } from "../kit/Avatar";
import { Menu, type MenuEntry } from "../kit/Menu";
import { go } from "../route";
import { useChat } from "../state";
import { windows } from "../windows";

/** Who is signed in, and how this page is connected. */
export function SidebarFoot(): JSX.Element {
  const chat = useChat();
  const me = () => chat.me();
  const name = () => (me() ? chat.name(me()!.user) : "");
  const state = () => {
    const { phase, transport } = chat.connection();
    if (phase === "online" && transport) return t().connection[transport];
    return phase === "offline" ? t().connection.offline : t().connection.connecting;
  };
  const title = () => (chat.connection().phase === "online" ? t().connection.connectedBy(state()) : chat.connection().reason || state());
  const entries = (): (MenuEntry | null)[] => [
    { label: t().rooms.settings, icon: "settings", onSelect: () => go("#/settings") },
    ...(me()?.admin ? [{ label: t().rooms.admin, icon: "shield" as const, onSelect: () => go("#/admin") }] : []),
    null,
    { label: t().rooms.signOut, icon: "leave", onSelect: () => windows.open("signOut") },
  ];
  return (
    <div class="sidebar-foot">
      <UserAvatar user={me()?.user ?? ""} size={32} />
      <div class="sidebar-me">
        <span class="sidebar-me-name" dir="auto">{name()}</span>
        <span class="transport" data-phase={chat.connection().phase} title={title()}>
          <span class="transport-dot" aria-hidden="true" />
          {state()}
        </span>
      </div>
      <Menu label={t().rooms.account} icon="settings" entries={entries()} />
    </div>
  );
}
