import { createSignal, Show, type JSX } from "solid-js";
import { ts } from "../../i18n/settings";
import { Check } from "../kit/Field";
import { notifications, setNotifications } from "../preferences";

export function Notifications(): JSX.Element {
  const [problem, setProblem] = createSignal("");
  const change = async (on: boolean) => {
    setProblem("");
    if (!on) return setNotifications(false);
    if (!("Notification" in window)) return setProblem(ts().notifyMissing);
    setNotifications(true); // as the box shows, until the browser has asked
    const answer = await Notification.requestPermission();
    setNotifications(answer === "granted");
    if (answer !== "granted") setProblem(ts().notifyDenied);
  };
  return (
    <>
      <Check label={ts().notify} hint={ts().notifyHint} checked={notifications()} onChange={(on) => void change(on)} />
      <Show when={problem()}>
        <p class="field-error" role="alert">
          {problem()}
        </p>
      </Show>
    </>
  );
}
