import { Match, onMount, Suspense, Switch, type JSX } from "solid-js";
import { t } from "../../i18n";
import { IconButton } from "../kit/Button";
import { Skeleton } from "../kit/Empty";
import { late } from "../late";
import type { PanelName } from "../room/RoomPage";

const Members = late(() => import("./Members"));
const Pins = late(() => import("./Pins"));
const Search = late(() => import("./Search"));
const RoomInfo = late(() => import("./RoomInfo"));
const Thread = late(() => import("./Thread"));

interface PanelProps {
  name: Exclude<PanelName, "">;
  thread: string;
  creator: string;
  onClose: () => void;
}

/** What stands beside the timeline; on narrow screens, over it. */
export default function Panel(props: PanelProps): JSX.Element {
  const title = () => ({ members: t().members.title, pins: t().room.pins, search: t().room.search, info: t().room.info, thread: t().thread.title })[props.name];
  let aside: HTMLElement | undefined;
  onMount(() => aside?.focus({ preventScroll: true }));
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "Escape" && !e.defaultPrevented) {
      e.stopPropagation();
      props.onClose();
    }
  };
  return (
    <aside class="panel" ref={aside} tabindex="-1" aria-label={title()} onKeyDown={onKeyDown}>
      <header class="panel-head">
        <h2>{title()}</h2>
        <IconButton icon="close" label={t().room.closePanel} onClick={() => props.onClose()} />
      </header>
      <Suspense fallback={<Skeleton lines={6} avatar />}>
        <Switch>
          <Match when={props.name === "members"}>
            <Members />
          </Match>
          <Match when={props.name === "pins"}>
            <Pins />
          </Match>
          <Match when={props.name === "search"}>
            <Search />
          </Match>
          <Match when={props.name === "info"}>
            <RoomInfo creator={props.creator} onLeft={() => props.onClose()} />
          </Match>
          <Match when={props.name === "thread" && props.thread} keyed>
            {(thread) => <Thread id={thread} />}
          </Match>
        </Switch>
      </Suspense>
    </aside>
  );
}
