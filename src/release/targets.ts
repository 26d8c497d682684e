/** A machine that an executable is for. */
export interface Target {
  /** As `deno compile --target` names it. */
  readonly triple: string;
  readonly name: string;
}

/** All that `deno compile` has a runtime for. */
export const TARGETS: readonly Target[] = [
  { triple: "x86_64-unknown-linux-gnu", name: "linux-x86_64" },
  { triple: "aarch64-unknown-linux-gnu", name: "linux-aarch64" },
  { triple: "x86_64-apple-darwin", name: "macos-x86_64" },
  { triple: "aarch64-apple-darwin", name: "macos-aarch64" },
  { triple: "x86_64-pc-windows-msvc", name: "windows-x86_64" },
];
