/** What a process has in memory now and had at most, in bytes. */
export interface ProcessMemory {
  readonly resident: number;
  readonly peak: number;
}

/** Reads it from the kernel. */
export function memoryOf(pid: number): ProcessMemory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kibibytes = (key: string) => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]);
  return { resident: kibibytes("VmRSS") * 1024, peak: kibibytes("VmHWM") * 1024 };
}
