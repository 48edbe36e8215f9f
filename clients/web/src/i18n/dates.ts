// Dates and times through Intl. Formatters are slow to make and cheap to use: one of each is kept.
const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale, options)));
  return made;
}

/** A day as a number that sorts and compares: 20261122, local time. */
export function dayOf(time: number): number {
  const d = new Date(time);
  return d.getFullYear() * 10000 + (d.getMonth() + 1) * 100 + d.getDate();
}

/** 14:05 */
export const clock = (locale: string, time: number): string =>
  format(locale, "clock", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time);

/** Sunday, 22 November 2026, 14:05:09 */
export const fullTime = (locale: string, time: number): string =>
  format(locale, "full", { dateStyle: "full", timeStyle: "medium" }).format(time);

/** 22 Nov 2026, 14:05 */
export const dateTime = (locale: string, time: number): string =>
  format(locale, "datetime", { dateStyle: "medium", timeStyle: "short" }).format(time);

/** Today, Yesterday, Sunday 15 November, 3 May 2024 */
export function dayName(locale: string, time: number, now = Date.now()): string {
  const days = Math.round((startOfDay(now) - startOfDay(time)) / 86_400_000);
  if (days === 0 || days === 1) {
    const text = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-days, "day");
    return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
  }
  if (new Date(time).getFullYear() === new Date(now).getFullYear())
    return format(locale, "day", { weekday: "long", day: "numeric", month: "long" }).format(time);
  return format(locale, "dayyear", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(time);
}

/** In a list: the clock today, else the day. */
export function listTime(locale: string, time: number, now = Date.now()): string {
  if (!time) return "";
  if (dayOf(time) === dayOf(now)) return clock(locale, time);
  const days = (startOfDay(now) - startOfDay(time)) / 86_400_000;
  if (days < 7) return format(locale, "weekday", { weekday: "short" }).format(time);
  return format(locale, "monthday", { day: "numeric", month: "short" }).format(time);
}

function startOfDay(time: number): number {
  const d = new Date(time);
  d.setHours(0, 0, 0, 0);
  return d.getTime();
}
