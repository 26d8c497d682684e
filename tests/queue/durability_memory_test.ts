import { durabilityConformance } from "./durability_conformance.ts";

durabilityConformance("memory", { durability: "memory" });
