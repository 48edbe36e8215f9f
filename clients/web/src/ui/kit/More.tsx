import { Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "./Button";
import type { Pages } from "./pages";

/** The button that brings a list's next page, while there is one. */
export function More(props: { of: Pages<unknown> }): JSX.Element {
  return (
    <Show when={props.of.next()}>
      <Button busy={props.of.loading()} onClick={props.of.more}>
        {t().common.loadMore}
      </Button>
    </Show>
  );
}
