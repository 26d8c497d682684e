import { durabilityConformance } from "../queue/durability_conformance.ts";

durabilityConformance("a journal on disk", { durability: "journal" });
