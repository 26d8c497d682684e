/** One line on the machine and how busy it was before the bench, for the head of a report. */
export function describeMachine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ??
    Deno.build.arch;
  const [minute = 0] = Deno.loadavg();
  const gib = Deno.systemMemoryInfo().total / 2 ** 30;
  return `${navigator.hardwareConcurrency} cores (${model}), ${
    gib.toFixed(0)
  } GiB, Linux ${Deno.osRelease()}; ` +
    `load average before it: ${minute.toFixed(2)}`;
}
