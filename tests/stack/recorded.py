"""The recorded sets of tests/fixtures, as rows: what the database held when the recording ended."""

import gzip
import json
import pathlib

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
TABLES = ("core_address", "core_bank", "clients_client", "beneficiaries_beneficiary", "core_bankaccount",
          "beneficiaries_alias", "beneficiaries_email", "beneficiaries_regulatory")
NOT_SHOWN = ("daily_limit",)  # in some sets in a binary form


def lines(name, file):
    with gzip.open(FIXTURES / name / f"{file}.ndjson.gz", "rt", encoding="utf-8", newline="\n") as opened:
        for line in opened:
            yield json.loads(line)


def last_rows(name):
    """{table: [row]}: of each key its last record, in the order of its partition."""
    rows = {table: {} for table in TABLES}
    for record in lines(name, "records"):
        table = record["topic"].rpartition(".")[2]
        if table not in rows:
            continue
        value = json.loads(record["value"]) if record["value"] else None
        value = value.get("payload", value) if value else None
        after = value and value["after"]
        key = json.loads(record["key"])
        key = json.dumps(key.get("payload", key))
        if after is None:
            rows[table].pop(key, None)
        else:
            rows[table][key] = {column: v for column, v in after.items() if column not in NOT_SHOWN}
    return {table: list(found.values()) for table, found in rows.items()}


def load(postgres, database, name):
    """Replaces what the database holds by the last rows of a set."""
    text = ["SET session_replication_role = replica;", f"TRUNCATE {', '.join(TABLES)};"]
    for table, rows in last_rows(name).items():
        for first in range(0, len(rows), 500):
            part = json.dumps(rows[first : first + 500]).replace("'", "''")
            text.append(f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, '{part}');")
    postgres.sql("\n".join(text), database)
