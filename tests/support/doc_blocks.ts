/** A fenced block of a Markdown file. */
export interface DocBlock {
  /** `README.md:31` */
  readonly place: string;
  /** What stands behind the fence: `sh`, `console`, `ts` … */
  readonly language: string;
  readonly text: string;
}

/** All fenced blocks in order. */
export function docBlocks(file: string, markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const language = /^```(.*)$/.exec(lines[at] ?? "")?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`${file}:${at + 1}: the block is never closed`);
    blocks.push({ place: `${file}:${at + 1}`, language, text: lines.slice(at + 1, end).join("\n") + "\n" });
    at = end;
  }
  return blocks;
}

/** The file that a block is to be saved as: its first line is a comment that holds the name alone. */
export function fileNameOf(block: DocBlock): string {
  const name = /^(?:\/\/|#) ([\w.-]+)\n/.exec(block.text)?.[1];
  if (name === undefined) {
    throw new Error(
      `${block.place}: name the file in a first line "// hello.ts", or fence the block as text`,
    );
  }
  return name;
}

/** The commands of a `console` block, each with the output that follows it. */
export function consoleSteps(block: DocBlock): { command: string; output: string }[] {
  const [before = "", ...steps] = block.text.split(/^\$ /m);
  if (before !== "") throw new Error(`${block.place}: a console block begins with "$ "`);
  return steps.map((step) => {
    const [command = ""] = /^(?:.*\\\n)*.*\n/.exec(step) ?? [];
    return { command, output: step.slice(command.length) };
  });
}

/** Whether the output is the one that the document shows, apart from white space and times; `…` stands for anything. */
export function matchesOutput(shown: string, output: string): boolean {
  const pattern = plain(shown).replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
  return new RegExp(`^${pattern}$`).test(plain(output));
}

function plain(text: string): string {
  return text.replace(/\d+(\.\d+)? ?(ms|µs|s)\b/g, "<time>").replace(/\s+/g, "");
}
