import { durabilityConformance } from "../queue/durability_conformance.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";

durabilityConformance("a journal in memory", {
  durability: "journal",
  journalThread: new JournalStandIn().start,
});
