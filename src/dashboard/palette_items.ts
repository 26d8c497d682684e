import type { Frame } from "./frame.ts";
import type { PaletteItem } from "./components/palette.ts";
import { openHelp } from "./components/help.ts";
import { openDrain, openReload } from "./server_actions.ts";
import { openPause } from "./plugin_actions.ts";
import { VIEWS } from "./views.ts";

/** All that the palette finds. */
export function paletteItems(app: Frame): PaletteItem[] {
  const { t, theme } = app;
  const items: PaletteItem[] = VIEWS.map(({ path, title, icon }) => ({
    text: t(title),
    kind: "view",
    icon,
    words: path,
    choose: () => app.go(path === "" ? [] : [path]),
  }));
  for (const { name, biz } of app.stats?.plugins ?? []) {
    items.push({
      text: name,
      kind: "plugin",
      icon: "plugin",
      words: String(biz ?? ""),
      choose: () => app.go(["plugins", name]),
    });
  }
  for (const { name, paused } of app.stats?.plugins ?? []) {
    if (!app.mayControl(name)) continue;
    items.push({
      text: `${t(paused ? "action.resume" : "action.pause")} ${name}`,
      kind: "action",
      icon: paused ? "play" : "pause",
      choose: () => openPause(app, name, !paused),
    });
  }
  if (app.mayControl()) {
    items.push({
      text: t("action.reload"),
      kind: "action",
      icon: "reload",
      words: "reload",
      choose: () => openReload(app),
    });
    items.push({
      text: t("action.drain"),
      kind: "action",
      icon: "close",
      words: "drain stop",
      choose: () => openDrain(app),
    });
  }
  const chooseTheme = (to: "system" | "light" | "dark") => () => {
    theme.choose(to);
    app.update();
  };
  items.push(
    {
      text: t("shell.theme.light"),
      kind: "setting",
      icon: "sun",
      words: "theme light",
      choose: chooseTheme("light"),
    },
    {
      text: t("shell.theme.dark"),
      kind: "setting",
      icon: "moon",
      words: "theme dark",
      choose: chooseTheme("dark"),
    },
    {
      text: t("shell.theme.system"),
      kind: "setting",
      icon: "system",
      words: "theme",
      choose: chooseTheme("system"),
    },
    {
      text: "English",
      kind: "setting",
      icon: "edit",
      words: "language",
      choose: () => app.chooseLanguage("en"),
    },
    {
      text: "中文",
      kind: "setting",
      icon: "edit",
      words: "language chinese",
      choose: () => app.chooseLanguage("zh"),
    },
    {
      text: t("help.title"),
      kind: "setting",
      icon: "keyboard",
      words: "help keyboard",
      choose: () => openHelp(app),
    },
  );
  return items;
}
