// While the reader has something of the timeline in hand, its end is not followed: what one
// points at, presses or selects would move away with every message that comes.
import { createMemo, createSignal, onCleanup, onMount, type Accessor } from "solid-js";
import type { Hover } from "./hover";

export function createHold(log: () => HTMLElement | undefined, hover: Hover): Accessor<boolean> {
  const [pressed, setPressed] = createSignal(false);
  const [selected, setSelected] = createSignal(false);
  onMount(() => {
    const element = log();
    if (!element) return;
    const press = () => setPressed(true);
    const lift = () => setPressed(false);
    const select = () => {
      const selection = getSelection();
      setSelected(selection !== null && !selection.isCollapsed && element.contains(selection.anchorNode));
    };
    element.addEventListener("pointerdown", press);
    for (const sign of ["pointerup", "pointercancel", "blur"]) addEventListener(sign, lift);
    document.addEventListener("selectionchange", select);
    onCleanup(() => {
      element.removeEventListener("pointerdown", press);
      for (const sign of ["pointerup", "pointercancel", "blur"]) removeEventListener(sign, lift);
      document.removeEventListener("selectionchange", select);
    });
  });
  return createMemo(() => hover.overlay() !== "" || hover.atBar() || pressed() || selected());
}
