// Arrow keys walk the messages; the list makes a row first when it is out of sight.
export function moveFocus(e: KeyboardEvent, log: HTMLElement, keys: readonly string[], show: (key: string) => void): boolean {
  const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[e.key];
  if (step === undefined || e.altKey || e.ctrlKey || e.metaKey) return false;
  const target = e.target as HTMLElement;
  if (target !== log && !target.matches("[data-row]")) return false;
  const here = target === log ? keys.length : keys.indexOf(target.closest<HTMLElement>("[data-key]")?.dataset.key ?? "");
  let next = Math.max(0, Math.min(keys.length - 1, here + step));
  if (keys[next] === "start" && next + 1 < keys.length) next = 1;
  const key = keys[next];
  if (key === undefined) return false;
  e.preventDefault();
  show(key);
  const focus = (tries: number) => {
    const row = log.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] [data-row]`);
    if (row) row.focus({ preventScroll: true });
    else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
  };
  requestAnimationFrame(() => focus(6));
  return true;
}
