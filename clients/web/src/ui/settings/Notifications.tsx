import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Check } from "../kit/Field";
import { notifications, setNotifications } from "../preferences";

export function Notifications(): JSX.Element {
  const [problem, setProblem] = createSignal("");
  const change = async (on: boolean) => {
    setProblem("");
    if (!on) return setNotifications(false);
    if (!("Notification" in window)) return setProblem(t().settings.notifyMissing);
    setNotifications(true); // as the box shows, until the browser has asked
    const answer = await Notification.requestPermission();
    setNotifications(answer === "granted");
    if (answer !== "granted") setProblem(t().settings.notifyDenied);
  };
  return (
    <>
      <Check label={t().settings.notify} hint={t().settings.notifyHint} checked={notifications()} onChange={(on) => void change(on)} />
      <Show when={problem()}>
        <p class="field-error" role="alert">
          {problem()}
        </p>
      </Show>
    </>
  );
}
