import { createSignal, onCleanup, type Accessor } from "solid-js";

/** Follows a media query. */
export function createMedia(query: string): Accessor<boolean> {
  const list = matchMedia(query);
  const [matches, setMatches] = createSignal(list.matches);
  const update = () => setMatches(list.matches);
  list.addEventListener("change", update);
  onCleanup(() => list.removeEventListener("change", update));
  return matches;
}

export const isTouch = (): boolean => matchMedia("(hover: none) and (pointer: coarse)").matches;
