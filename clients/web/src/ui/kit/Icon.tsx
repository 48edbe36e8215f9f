import type { JSX } from "solid-js";

const paths = {
  plus: "M10 4v12M4 10h12",
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Zm4.5-1.5L17 17",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4 6 10l6 6",
  down: "M4 8l6 6 6-6",
  send: "M3.5 10 16.5 4 12.5 16.5 9.5 11.5Z M9.5 11.5 16.5 4",
  smile: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM7.2 11.8c1.2 2 4.4 2 5.6 0M7.6 8.2v.4M12.4 8.2v.4",
  reply: "M8 5 3.5 9.5 8 14M4 9.5h7a5.5 5.5 0 0 1 5.5 5.5",
  thread: "M4 4h12v8H9l-3.5 3.5V12H4ZM7 7h6M7 9.2h4",
  edit: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2ZM11.5 6l2.6 2.6",
  trash: "M4.5 6h11M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.6 8.8v4.6M11.4 8.8v4.6",
  pin: "M7 3.5h6l-.8 5 2.3 2.5H5.5L7.8 8.5ZM10 11v5.5",
  more: "M4.7 9.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1ZM10 9.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1ZM15.3 9.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1Z",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 16c.3-3 2.3-4.5 5-4.5s4.700 1.500 5 4.500M13 3.800a3 3 0 0 1 0 5.500M15 11.900c1.500.700 2.400 2.100 2.500 4.100",
  info: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 9.200v4.300M10 6.500v.01",
  settings: "M3.500 6h7M14.500 6h2M3.500 14h2M9.500 14h7M12.500 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7.500 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  shield: "M10 2.800 16 5v4.500c0 3.700-2.500 6.300-6 7.700-3.500-1.400-6-4-6-7.700V5Z",
  copy: "M7 7h9v9H7ZM4 13V4h9",
  link: "M8.500 11.500a3 3 0 0 0 4.200 0l2.600-2.600a3 3 0 0 0-4.200-4.200l-1 1M11.500 8.500a3 3 0 0 0-4.200 0l-2.600 2.600a3 3 0 0 0 4.200 4.200l1-1",
  calendar: "M4 5.500h12V16H4ZM4 8.800h12M7.200 3.500v3M12.800 3.500v3",
  check: "M4 10.500 8.200 14.700 16 6",
  bell: "M5.500 13.500V9a4.500 4.500 0 0 1 9 0v4.500l1.200 1.200H4.300ZM8.500 16.500c.7.8 2.300.8 3 0",
  mute: "M3 3l14 14M5.500 9v4.500l-1.200 1.200H14M14.500 11V9a4.500 4.500 0 0 0-7.300-3.500M8.500 16.500c.7.8 2.300.8 3 0",
  lock: "M5 9h10v7.500H5ZM7 9V6.500a3 3 0 0 1 6 0V9",
  hash: "M8 3.500 6.500 16.500M13.500 3.500 12 16.500M4 7.500h12.500M3.500 12.500H16",
  leave: "M11.500 4H4.500v12h7M8.500 10h8M13.500 7l3 3-3 3",
  format: "M4 15.500 8 4.500l4 11M5.400 11.800h5.200M13 15.500l2.300-6 2.200 6M13.800 13.500h3",
  alert: "M10 3.500 17.500 16.500h-15ZM10 8.500v3.700M10 14.200v.01",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 6v4.200l2.800 1.700",
  file: "M5.500 3h6l3.500 3.500V17h-9.500ZM11.500 3v3.500H15",
  clip: "M13.500 6.500 8 12a1.500 1.500 0 0 0 2.200 2.200l6-6a3.200 3.200 0 0 0-4.600-4.600l-6.200 6.200a5 5 0 0 0 7 7l4.600-4.600",
  bridge: "M2.500 14.500h15M4.500 14.500V8M15.500 14.500V8M2.500 10c2.500-.2 4.500-1.500 5-3.500h5c.5 2 2.500 3.300 5 3.500M7.500 6.500v8M12.500 6.500v8",
  compass: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM13 7l-1.800 4.200L7 13l1.800-4.200Z",
} as const;

export type IconName = keyof typeof paths;

/** A drawn sign beside a text or inside a named button; never the only bearer of meaning. */
export function Icon(props: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={props.size ?? 18} height={props.size ?? 18} viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      <path d={paths[props.name]} />
    </svg>
  );
}

export function Flame(props: { size?: number }): JSX.Element {
  return (
    <svg class="flame" width={props.size ?? 28} height={props.size ?? 28} viewBox="0 0 32 32" aria-hidden="true">
      <path class="flame-arch" d="M4 28V15C4 8.400 9.400 3 16 3s12 5.400 12 12v13h-5V16a7 7 0 0 0-14 0v12Z" />
      <path class="flame-fire" d="M16 14c.6 2.600 4.500 4.300 4.500 8.400A4.500 4.500 0 0 1 16 27a4.500 4.500 0 0 1-4.500-4.600c0-2 1-3 1.800-4.200.3 1.300.9 1.800 1.500 2 .4-2.200-.2-4.200 1.200-6.200Z" />
    </svg>
  );
}
