/** Whether a C compiler is here: what cuts the power is skipped otherwise. */
export const HAS_CC = Deno.build.os === "linux" && await hasCc();

/** Says why, behind the name of a test that is skipped. */
export const CC_NOTE = HAS_CC ? "" : " (skipped: there is no C compiler here, or it is not Linux)";

async function hasCc(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("cc", { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
