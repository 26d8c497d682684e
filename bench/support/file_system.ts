/** The file system of a folder, from the kernel: `ext4 on /dev/vda`. The mount with the longest path that the folder lies in is its. */
export function fileSystemOf(folder: string, mounts = Deno.readTextFileSync("/proc/self/mounts")): string {
  const path = Deno.realPathSync(folder);
  let longest = "";
  let found = "an unknown file system";
  for (const line of mounts.split("\n")) {
    const [device, escaped, kind] = line.split(" ");
    if (device === undefined || escaped === undefined || kind === undefined) continue;
    const point = escaped.replace(
      /\\([0-7]{3})/g,
      (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
    );
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    // Of several mounts on one point the last one is seen.
    if (!isAbove || point.length < longest.length) continue;
    longest = point;
    found = `${kind} on ${device}`;
  }
  return found;
}
