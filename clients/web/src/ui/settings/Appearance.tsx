import type { JSX } from "solid-js";
import { type LanguageChoice } from "../../i18n";
import { ts } from "../../i18n/settings";
import { Choice } from "../kit/Field";
import { languageChoice, setLanguage, setTheme, theme, type Theme } from "../preferences";

export function Appearance(): JSX.Element {
  return (
    <div class="form">
      <Choice<Theme>
        label={ts().theme}
        value={theme()}
        options={[
          { value: "system", label: ts().system },
          { value: "light", label: ts().light },
          { value: "dark", label: ts().dark },
        ]}
        onChange={setTheme}
      />
      <Choice<LanguageChoice>
        label={ts().language}
        value={languageChoice()}
        options={[
          { value: "auto", label: ts().auto },
          { value: "en", label: "English" },
          { value: "zh", label: "简体中文" },
        ]}
        onChange={(choice) => void setLanguage(choice)}
      />
    </div>
  );
}
