import { assert } from "@std/assert";
import { loadLibc } from "../../src/net/libc.ts";
import { returnFreed } from "../../src/net/return_freed.ts";

const MIB = 1024 * 1024;
const SYMBOLS = {
  malloc: { parameters: ["usize"], result: "pointer" },
  memset: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
} as const;

Deno.test({
  name: "blocks that are freed go back to the system, also after a larger one was freed",
  ignore: Deno.build.os !== "linux" || !hasMallopt(),
  fn() {
    const libc = Deno.dlopen("libc.so.6", SYMBOLS);
    const { malloc, memset, free } = libc.symbols;
    const haveAndFree = (blocks: number, bytes: number) => {
      const all = Array.from({ length: blocks }, () => malloc(BigInt(bytes)));
      for (const block of all) memset(block, 1, BigInt(bytes));
      for (const block of all) free(block);
    };
    const changed = loadLibc()!;
    returnFreed(changed.symbols);
    changed.close();
    // By itself glibc keeps blocks up to this length from then on.
    haveAndFree(1, 30 * MIB);
    const before = residentMiB();
    haveAndFree(20, 2 * MIB);
    const kept = residentMiB() - before;
    libc.close();
    assert(kept < 10, `${kept} of 40 MiB are kept`);
  },
});

function hasMallopt(): boolean {
  const libc = loadLibc();
  const has = libc !== null && libc.symbols.mallopt !== null;
  libc?.close();
  return has;
}

function residentMiB(): number {
  return Deno.memoryUsage().rss / MIB;
}
