/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Before the first paint: the theme and the language that were chosen here, so that nothing flashes.
{
  const root = document.documentElement;
  let theme: string | null = null;
  let language: string | null = null;
  try {
    theme = localStorage.getItem("mevent.theme");
    language = localStorage.getItem("mevent.language");
  } catch {
    // Storage is switched off: the system's choices count.
  }
  if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
  language ??= navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  root.lang = language === "zh" ? "zh-CN" : "en";
}
