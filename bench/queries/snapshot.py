"""Writes the rows of a BOS database as the records that Debezium's snapshot of it would bring, one a line, in the form
of docs/reference/formats/gateway.md: what `beneficiary --bos_records` reads.

Runs in BOS's environment (psycopg): python snapshot.py --port 5432 --database bos_uk FILE. Nobody may write meanwhile.
Each beneficiary's rows stand together, itself last, so that one command comes of them; a connector would write table
by table. Only the order within one topic means anything.
"""

import argparse
import collections
import heapq
import json
import sys
import time

import psycopg

# Table, key, and SQL for the beneficiary that a row stands with; 0: before all of them.
TABLES = (
    ("clients_client", "id", "0"),
    ("core_bank", "id", "0"),
    ("core_address", "id",
     "coalesce((SELECT min(b.id) FROM beneficiaries_beneficiary b WHERE b.address_id = t.id), 0)"),
    ("core_bankaccount", "id", "coalesce(beneficiary_id, 0)"),
    ("beneficiaries_alias", "id", "beneficiary_id"),
    ("beneficiaries_email", "id", "beneficiary_id"),
    ("beneficiaries_regulatory", "beneficiary_id", "beneficiary_id"),
    ("beneficiaries_beneficiary", "id", "id"),
)
# As the connector writes these types with decimal.handling.mode=string; the others as PostgreSQL's own JSON has them.
AS_DEBEZIUM = {
    "timestamp with time zone": """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS {0}""",
    "numeric": "{0}::text AS {0}",
}
COLUMNS = ("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s "
           "ORDER BY ordinal_position")


def columns_of(connection, table):
    rows = connection.execute(COLUMNS, [table]).fetchall()
    return ", ".join(AS_DEBEZIUM.get(kind, "{0}").format(f'"{name}"') for name, kind in rows)


def rows_of(connection, rank, table, key, owner):
    """(owner, rank, key, the row as JSON), by owner."""
    row = f"(SELECT row_to_json(shown)::text FROM (SELECT {columns_of(connection, table)}) shown)"
    with connection.cursor(f"of_{table}") as cursor:
        cursor.itersize = 5000
        cursor.execute(f'SELECT {owner} AS owner, {rank}, t."{key}", {row} FROM {table} t ORDER BY owner, 3')
        yield from cursor


class Envelope:
    """What stands around a table's rows."""

    def __init__(self, table, key, database, log_position, now_ms):
        self.topic = f"bos.public.{table}"
        self.key = key
        self.now_ms = now_ms
        self.source = {"version": "3.2.3.Final", "connector": "postgresql", "name": "bos", "ts_ms": now_ms,
                       "snapshot": "true", "db": database, "sequence": f'[null,"{log_position}"]', "schema": "public",
                       "table": table, "txId": 1, "lsn": log_position}

    def line(self, offset, key, row):
        source = json.dumps(self.source, separators=(",", ":"))
        value = (f'{{"before":null,"after":{row},"source":{source},"transaction":null,"op":"r",'
                 f'"ts_ms":{self.now_ms}}}')
        return (f'{{"topic":"{self.topic}","partition":0,"offset":{offset},"timestamp":{self.now_ms},'
                f'"key":{json.dumps(json.dumps({self.key: key}))},"value":{json.dumps(value)},"headers":[]}}\n')


def write(connect, database, file):
    with connect() as one:
        log_position = one.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()[0]
    now_ms, offsets = int(time.time() * 1000), collections.Counter()
    connections = [connect() for _ in TABLES]
    try:
        streams = [rows_of(connection, rank, *table)
                   for rank, (connection, table) in enumerate(zip(connections, TABLES))]
        envelopes = [Envelope(table, key, database, int(log_position), now_ms) for table, key, _ in TABLES]
        for _, rank, key, row in heapq.merge(*streams, key=lambda found: found[:2]):
            file.write(envelopes[rank].line(offsets[rank], key, row))
            offsets[rank] += 1
    finally:
        for connection in connections:
            connection.close()
    return sum(offsets.values())


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="bos")
    parser.add_argument("--database", default="bos_uk")
    parser.add_argument("file", help="to write")
    given = parser.parse_args(argv)

    def connect():
        return psycopg.connect(host=given.host, port=given.port, user=given.user, dbname=given.database)

    with open(given.file, "w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        print(write(connect, given.database, file))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
