import { Show, type JSX } from "solid-js";
import type { BridgeStatus } from "../../gen/client_pb";
import { tb } from "../../i18n/bridges";

export const stateText = (state: string): string => tb().states[state] ?? state;

/** How a bridge or a link is: a sign, a word, and why. */
export function BridgeState(props: { status: BridgeStatus | undefined }): JSX.Element {
  const state = () => props.status?.state || "connecting";
  return (
    <span class={`bridge-state bridge-${state()}`}>
      <span class="node-dot" aria-hidden="true" />
      <span>{stateText(state())}</span>
      <Show when={props.status?.reason}>
        <span class="bridge-why" dir="auto">
          {props.status!.reason}
        </span>
      </Show>
      <Show when={props.status?.detail}>
        <span class="bridge-why" dir="auto">
          {props.status!.detail}
        </span>
      </Show>
    </span>
  );
}
