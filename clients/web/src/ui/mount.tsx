import { render } from "solid-js/web";
import type { ChatClient } from "../client/api";
import "../styles/index.css";
import { App } from "./App";
import { applyPreferences } from "./preferences";

/** Shows the page in `root`, once the chosen language is there. */
export function mount(root: HTMLElement, client: ChatClient): void {
  void applyPreferences().finally(() => {
    root.textContent = ""; // what index.html says when this code does not come
    render(() => <App client={client} />, root);
  });
}
