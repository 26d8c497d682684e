/** What a word of a command line is: a file, a plugin of the server, one of a few words, or (an empty list) anything. */
export type About = "files" | "folders" | "plugins" | readonly string[];

/** What help calls the values of flags and the arguments, and what they are. */
const ABOUT: Readonly<Record<string, About>> = {
  "FILE": "files",
  "PATH": "files",
  "PATH|HOST:PORT": "files",
  "FILE|builtin:NAME": "files",
  "FOLDER": "folders",
  "PLUGIN": "plugins",
  "NUMBER|NAME": "plugins",
  "NAME|BIZ": "plugins",
  "LEVEL": ["debug", "info", "warn", "error"],
  "FORMAT": ["auto", "text", "json"],
  "SHELL": ["bash", "zsh", "fish"],
};

/** Of the name that help has for it; `sync|async` says itself which words there are. */
export function aboutWord(name: string): About {
  return ABOUT[name] ?? (/^[a-z]+(?:\|[a-z]+)+$/.test(name) ? name.split("|") : []);
}
