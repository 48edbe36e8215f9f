const rules = new Map<string, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

/** 1234 as people of this language write it. */
export function number(locale: string, n: number): string {
  let format = numbers.get(locale);
  if (!format) numbers.set(locale, (format = new Intl.NumberFormat(locale)));
  return format.format(n);
}

export type Forms = { readonly other: string } & { readonly [K in Exclude<Intl.LDMLPluralRule, "other">]?: string };

/** The form for n in this language, with "#" replaced by n. */
export function plural(locale: string, n: number, forms: Forms): string {
  let rule = rules.get(locale);
  if (!rule) rules.set(locale, (rule = new Intl.PluralRules(locale)));
  const form = forms[rule.select(n)] ?? forms.other;
  return form.replaceAll("#", number(locale, n));
}
