import type { JSX } from "solid-js";
import { t, type LanguageChoice } from "../../i18n";
import { Choice } from "../kit/Field";
import { languageChoice, setLanguage, setTheme, theme, type Theme } from "../preferences";

export function Appearance(): JSX.Element {
  return (
    <div class="form">
      <Choice<Theme>
        label={t().settings.theme}
        value={theme()}
        options={[
          { value: "system", label: t().settings.system },
          { value: "light", label: t().settings.light },
          { value: "dark", label: t().settings.dark },
        ]}
        onChange={setTheme}
      />
      <Choice<LanguageChoice>
        label={t().settings.language}
        value={languageChoice()}
        options={[
          { value: "auto", label: t().settings.auto },
          { value: "en", label: "English" },
          { value: "zh", label: "简体中文" },
        ]}
        onChange={(choice) => void setLanguage(choice)}
      />
    </div>
  );
}
