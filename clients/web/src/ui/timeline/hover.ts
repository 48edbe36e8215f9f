// Which message shows its actions: the one under the pointer, with the focus, or pressed long.
import { createContext, createSelector, createSignal, useContext, type Accessor } from "solid-js";
import { isTouch } from "../media";

export type Overlay = "" | "menu" | "emoji";

export interface Hover {
  isActive: (key: string) => boolean;
  active: Accessor<string>;
  /** The mouse is on a message's bar: what one is about to press must not move away. */
  atBar: Accessor<boolean>;
  overlay: Accessor<Overlay>;
  setOverlay: (overlay: Overlay) => void;
  isHighlighted: (key: string) => boolean;
  highlight: (key: string) => void;
  handlers: {
    onPointerOver: (e: PointerEvent) => void;
    onPointerLeave: () => void;
    onFocusIn: (e: FocusEvent) => void;
    onFocusOut: (e: FocusEvent & { currentTarget: HTMLElement }) => void;
    onPointerDown: (e: PointerEvent) => void;
    onPointerMove: (e: PointerEvent) => void;
    onPointerUp: () => void;
    onPointerCancel: () => void;
    onContextMenu: (e: MouseEvent) => void;
  };
  show: (key: string, overlay: Overlay) => void;
}

export const HoverContext = createContext<Hover>();
export const useHover = (): Hover => useContext(HoverContext)!;

const LONG_PRESS_MS = 450;
const keyAt = (target: EventTarget | null): string => (target instanceof Element ? (target.closest<HTMLElement>("[data-key]")?.dataset.key ?? "") : "");

export function createHover(): Hover {
  const [active, setActive] = createSignal("");
  const [overlay, setOverlay] = createSignal<Overlay>("");
  const [atBar, setAtBar] = createSignal(false);
  const [highlighted, setHighlighted] = createSignal("");
  let under = ""; // the message under the mouse: the one to show when the focus is on none
  let press: ReturnType<typeof setTimeout> | undefined;
  let pressed = ""; // the message pressed long, until the finger lifts
  let pressedAt = { x: 0, y: 0 };
  let unlight: ReturnType<typeof setTimeout> | undefined;

  const hoverOn = (target: EventTarget | null) => {
    under = keyAt(target);
    setAtBar(target instanceof Element && target.closest(".actions") !== null);
    point(under);
  };
  const point = (key: string) => {
    if (!overlay()) setActive(key);
  };
  const show = (key: string, what: Overlay) => {
    setOverlay("");
    setActive(key);
    setOverlay(what);
  };
  const abandon = () => {
    clearTimeout(press);
    pressed = "";
  };
  // The menu opens when the finger lifts: opened before, the click that follows would close it.
  const lift = () => {
    const key = pressed;
    abandon();
    if (key) setTimeout(() => show(key, "menu"), 40);
  };

  return {
    isActive: createSelector(active),
    active,
    atBar,
    isHighlighted: createSelector(highlighted),
    overlay,
    setOverlay,
    show,
    highlight: (key) => {
      clearTimeout(unlight);
      setHighlighted(key);
      unlight = setTimeout(() => setHighlighted(""), 2600);
    },
    handlers: {
      // Where there is no mouse the browser still makes one of the last tap, over which messages pass.
      onPointerOver: (e) => e.pointerType !== "touch" && !isTouch() && hoverOn(e.target),
      onPointerLeave: () => hoverOn(null),
      onFocusIn: (e) => point(keyAt(e.target) || under),
      onFocusOut: (e) => {
        if (!(e.relatedTarget instanceof Node && e.currentTarget.contains(e.relatedTarget))) point(under);
      },
      onPointerDown: (e) => {
        if (e.pointerType !== "touch") return;
        const key = keyAt(e.target);
        pressedAt = { x: e.clientX, y: e.clientY };
        if (e.target instanceof Element && !e.target.closest("button, a")) point(key);
        abandon();
        press = setTimeout(() => {
          pressed = key;
          navigator.vibrate?.(10);
        }, LONG_PRESS_MS);
      },
      onPointerMove: (e) => {
        if (Math.hypot(e.clientX - pressedAt.x, e.clientY - pressedAt.y) > 10) abandon();
      },
      onPointerUp: lift,
      onPointerCancel: lift, // after a long press, the browser's own gesture was about to begin
      onContextMenu: (e) => {
        // A long press on touch opens the message's own menu instead of the browser's.
        if ((e as PointerEvent).pointerType === "touch") e.preventDefault();
      },
    },
  };
}
