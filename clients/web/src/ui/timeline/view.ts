// What the parts of one open room share: who may do what, what the composer is about,
// which windows are asked for.
import { createContext, createSignal, useContext, type Accessor } from "solid-js";
import type { Event, RoomSummary } from "../../gen/room_pb";

export type ComposerMode = { kind: "new" } | { kind: "reply"; event: Event } | { kind: "edit"; event: Event };
export type Ask = { kind: "delete" | "edits" | "report"; event: Event } | { kind: "person"; user: string } | { kind: "invite" } | null;

export interface RoomView {
  readonly room: string;
  readonly thread: string;
  summary: Accessor<RoomSummary | undefined>;
  right: (name: string) => boolean;
  mode: Accessor<ComposerMode>;
  setMode: (mode: ComposerMode) => void;
  ask: Accessor<Ask>;
  setAsk: (ask: Ask) => void;
  openThread: (event: string) => void;
  jump: (event: string) => void;
  /** The composer's text field, so that keys and actions can put the focus there. */
  focusComposer: () => void;
  onFocusComposer: (focus: () => void) => void;
  /** The newest own message on show, for "edit last". */
  lastOwn: () => Event | undefined;
  onLastOwn: (find: () => Event | undefined) => void;
  /** Shows the end of the timeline: what one has just written is what one wants to see. */
  showNewest: () => void;
  onShowNewest: (show: () => void) => void;
}

export const RoomViewContext = createContext<RoomView>();

export function useRoomView(): RoomView {
  const view = useContext(RoomViewContext);
  if (!view) throw new Error("useRoomView outside of a room");
  return view;
}

type Given = Pick<RoomView, "room" | "thread" | "summary" | "right" | "openThread" | "jump">;

export function createRoomView(given: Given): RoomView {
  const [mode, setMode] = createSignal<ComposerMode>({ kind: "new" });
  const [ask, setAsk] = createSignal<Ask>(null);
  let focus = () => {};
  let find = (): Event | undefined => undefined;
  let show = () => {};
  return {
    ...given,
    mode,
    setMode,
    ask,
    setAsk,
    focusComposer: () => focus(),
    onFocusComposer: (f) => void (focus = f),
    lastOwn: () => find(),
    onLastOwn: (f) => void (find = f),
    showNewest: () => show(),
    onShowNewest: (f) => void (show = f),
  };
}
