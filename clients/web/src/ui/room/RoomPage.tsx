import { createMemo, createRenderEffect, createSignal, on, onCleanup, Show, Suspense, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Composer } from "../composer/Composer";
import { TypingLine } from "../composer/TypingLine";
import { Skeleton } from "../kit/Empty";
import { late } from "../late";
import { go, toRoom } from "../route";
import { isStranger, roomTitle, useChat } from "../state";
import { Timeline } from "../timeline/Timeline";
import { createRoomView, RoomViewContext } from "../timeline/view";
import { Asked } from "./Asked";
import { JoinCard } from "./JoinCard";
import { createRights } from "./rights";
import { RoomHead } from "./RoomHead";
import { RoomNotes } from "./RoomNotes";

const JumpDate = late(() => import("./JumpDate"));
const Panel = late(() => import("../panel/Panel"));

export type PanelName = "" | "members" | "pins" | "search" | "info" | "thread";

/** One room: its head, its timeline, the composer, and the panel beside them. */
export default function RoomPage(props: { room: string; event: string }): JSX.Element {
  const chat = useChat();
  const { client } = chat;
  const room = props.room; // the page is made anew for another room
  const summary = () => chat.room(room);
  const rights = createRights(chat, room, summary);
  const [panel, setPanel] = createSignal<PanelName>("");
  const [thread, setThread] = createSignal("");
  const [date, setDate] = createSignal<number>();
  const [dating, setDating] = createSignal(false);
  const joined = createMemo(() => summary()?.membership === "join"); // a new message is no reason to open the room again

  // Before the first render, so that it shows the loading rather than an empty room.
  createRenderEffect(
    on(joined, (yes) => {
      if (!yes) return;
      client.open(room);
      onCleanup(() => client.close(room));
    }),
  );

  const openThread = (event: string) => {
    setThread(event);
    setPanel("thread");
  };
  const jump = (event: string) => {
    // The same address again must jump again.
    if (location.hash === toRoom(room, event)) go(toRoom(room), true);
    go(toRoom(room, event));
  };
  const view = createRoomView({ room, thread: "", summary, right: rights.right, openThread, jump });
  const title = () => {
    const room = summary() ?? rights.found();
    return roomTitle(chat, room, room && isStranger(room) ? t().room.strangerTitle : t().rooms.unnamed);
  };
  const toggle = (name: PanelName) => setPanel(panel() === name ? "" : name);

  return (
    <RoomViewContext.Provider value={view}>
      <div class="room" classList={{ "with-panel": panel() !== "" }}>
        <main class="room-main" id="main" tabindex="-1" aria-label={title()}>
          <RoomHead title={title()} summary={summary() ?? rights.found()} panel={panel()} onPanel={toggle} onDate={() => setDating(true)} />
          <RoomNotes summary={summary()} />
          <Show when={joined()} fallback={<JoinCard room={room} title={title()} summary={summary() ?? rights.found()} loading={rights.loading()} error={rights.error()} onRetry={rights.again} />}>
            <Timeline target={props.event} date={date()} />
            <div class="room-foot">
              <TypingLine room={room} />
              <Composer placeholder={t().composer.placeholder(title())} autofocus />
            </div>
          </Show>
        </main>
        <Show when={panel()}>
          <Suspense fallback={<aside class="panel"><Skeleton lines={6} /></aside>}>
            <Panel name={panel() as Exclude<PanelName, "">} thread={thread()} creator={rights.creator()} onClose={() => setPanel("")} />
          </Suspense>
        </Show>
        <Asked />
        <Show when={dating()}>
          <Suspense>
            <JumpDate onClose={() => setDating(false)} onJump={(day) => (setDate(undefined), setDate(day))} />
          </Suspense>
        </Show>
      </div>
    </RoomViewContext.Provider>
  );
}
