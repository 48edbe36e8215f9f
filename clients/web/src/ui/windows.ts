import { createSignal } from "solid-js";

/** The windows of the whole page; one is open at a time. */
export type WindowName = "" | "newRoom" | "newConversation" | "switch" | "signOut";

const [opened, setOpened] = createSignal<WindowName>("");
export const windows = { opened, open: (name: WindowName) => setOpened(name), close: () => setOpened("") };
