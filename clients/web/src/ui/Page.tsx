import type { JSX } from "solid-js";
import { t } from "../i18n";
import { IconButton } from "./kit/Button";
import { go } from "./route";

/** A page that is not a room: a title, a way back on narrow screens, a readable column. */
export function Page(props: { title: string; wide?: boolean; children: JSX.Element }): JSX.Element {
  return (
    <main class="page" id="main" tabindex="-1">
      <header class="room-head">
        <IconButton class="only-narrow" icon="back" label={t().rooms.showList} onClick={() => go("#/")} />
        <h1 class="room-head-title">{props.title}</h1>
      </header>
      <div class="page-scroll" tabindex="-1">
        <div class={`page-column ${props.wide ? "wide" : ""}`}>{props.children}</div>
      </div>
    </main>
  );
}
