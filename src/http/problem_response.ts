import { PROBLEM_TYPE } from "./problem.ts";

/** A Response Object in OpenAPI of a response that tells of an error. */
export const problem = (description: string) => ({
  description,
  content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
});
