import type { Faults } from "./sql_fault_steps.ts";

export const POSTGRES_FAULTS: Faults = {
  create: [
    "CREATE TABLE trouble (id int)",
    "CREATE TABLE troubled (id int, code text)",
    "CREATE FUNCTION troubles() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
    "IF NEW.code IS NOT NULL AND EXISTS (SELECT FROM trouble) THEN " +
    "RAISE EXCEPTION 'the cached plan must not change, says row-level security' USING ERRCODE = NEW.code; END IF; " +
    "RETURN NEW; END $$",
    "CREATE TRIGGER troubles BEFORE INSERT ON troubled FOR EACH ROW EXECUTE FUNCTION troubles()",
  ],
  ofServer: [
    ...[
      "53100",
      "53200",
      "53300",
      "57000",
      "57P03",
      "55000",
      "55006",
      "55P04",
      "58030",
      "F0000",
      "HV000",
      "HV00N",
      "72000",
    ],
    ...["58000", "08006", "40001"],
  ],
  ofRow: [
    "22003",
    "23505",
    "23514",
    "44000",
    "P0001",
    "P0004",
    "21000",
    "27000",
    "38001",
    "39004",
    "08P01",
    "AB123",
    "U0001",
  ],
  ofEither: [
    "54000",
    "54001",
    "0A000",
    "3F000",
    "42704",
    "42883",
    "42P05",
    "42P01",
    "42501",
    "XX000",
    "XX001",
    "34000",
    // It ends the connection, as the server does that shuts down.
    "57P01",
  ],
};

export const MARIADB_FAULTS: Faults = {
  create: [
    "CREATE TABLE trouble (id int)",
    "CREATE TABLE troubled (id int, code text)",
    "CREATE TRIGGER troubles BEFORE INSERT ON troubled FOR EACH ROW BEGIN DECLARE number int DEFAULT NEW.code; " +
    "IF NEW.code IS NOT NULL AND EXISTS (SELECT 1 FROM trouble) THEN SIGNAL SQLSTATE 'HY000' " +
    "SET MYSQL_ERRNO = number, MESSAGE_TEXT = 'Duplicate entry, Data too long'; END IF; END",
  ],
  ofServer: [
    ...[
      "1180",
      "1041",
      "1037",
      "1038",
      "1135",
      "1206",
      "1028",
      "1026",
      "1016",
      "1015",
      "1021",
      "1036",
      "1297",
      "1114",
      "1030",
    ],
    ...["1047", "1205"],
  ],
  ofRow: ["1048", "1062", "1264", "1366", "1406", "1452", "1644", "3819", "4025", "30001"],
  ofEither: [
    "1105",
    "1290",
    "1296",
    "1012",
    "1146",
    "1142",
    "1054",
    "1305",
    "1390",
    "1197",
    "1878",
    "4078",
    "15001",
  ],
};
