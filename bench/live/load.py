"""Transactions in a BOS database at a rate, by plain SQL over its tables. Runs in BOS's virtual environment (psycopg).

    load.py SETTINGS     a JSON object; see Settings. With `out` it prints "TOKEN PATH" before each COMMIT.

Three kinds, as BOS's users make them: `edit` changes one row; `together` writes one text into a beneficiary, its
address and all its accounts (three rows and more); `create` adds a beneficiary with address, account, alias and e-mail
(five). A transaction's token is the text that it leaves in the beneficiary's reference
information. Its other rows have the same characters behind ROW_PREFIX: later transactions leave them as they are.
"""

import json
import pathlib
import random
import sys
import threading
import time
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "beneficiary.daybook")
KINDS = ("edit", "together", "create")
WEIGHTS = (5, 4, 1)
ROW_PREFIX = "with-"


class Settings:
    """What the settings may be."""

    def __init__(self, given):
        self.dsn = given["dsn"]
        self.instance = given["instance"]
        self.rate = given["rate"]  # transactions a second, of all writers together
        self.seconds = given["seconds"]
        self.writers = given.get("writers", 1)
        self.rows = given["rows"]  # ids of beneficiaries that are this load's alone
        self.prefix = given["prefix"]  # of tokens
        self.out = given.get("out")  # where each transaction is noted: then there is one writer, and lines are printed
        self.seed = given["seed"]


def due_times(rate, seconds, rng):
    """One in each interval, at a random moment of it: a steady rate that is in step with nobody's timer."""
    count = round(rate * seconds)
    return [(number + rng.random()) / rate for number in range(count)]


class Writer:
    """One connection."""

    def __init__(self, settings, number):
        import psycopg  # not where the statistics are tested

        self.settings = settings
        self.rng = random.Random(f"{settings.prefix}/{settings.seed}/{number}")  # no two loads' texts are alike
        self.rows = settings.rows[number :: settings.writers]
        self.next = 0
        self.connection = psycopg.connect(settings.dsn, autocommit=True)
        self.connection.prepare_threshold = 0
        self.bank = self.one("SELECT min(id) FROM core_bank")
        self.client = self.one("SELECT min(id) FROM clients_client")

    def one(self, sql, *values):
        return self.connection.execute(sql, values).fetchone()[0]

    def row(self):
        """The one that was not written for the longest time."""
        self.next += 1
        return self.rows[self.next % len(self.rows)]

    def edit(self, token, _beside, _name):
        row = self.row()
        self.connection.execute("UPDATE beneficiaries_beneficiary SET reference_information = %s, modified = now() "
                                "WHERE id = %s", (token, row))
        return row, 1

    def together(self, token, beside, name):
        row = self.row()
        address = self.one("UPDATE beneficiaries_beneficiary SET name = %s, reference_information = %s, "
                           "modified = now() WHERE id = %s RETURNING address_id", name, token, row)
        self.connection.execute("UPDATE core_address SET city = %s, modified = now() WHERE id = %s", (beside, address))
        accounts = self.connection.execute("UPDATE core_bankaccount SET account_holder = %s, modified = now() "
                                           "WHERE beneficiary_id = %s", (beside, row)).rowcount
        return row, 2 + accounts

    def create(self, token, beside, name):
        address = self.one("INSERT INTO core_address (address_line_1, street_name, building_number, floor, "
                           "apartment_office_number, city, state_region, post_code, country_code, modified) "
                           "VALUES ('', 'Gran Via', '1', '', '', %s, '', '28013', 'ES', now()) RETURNING id", beside)
        row = self.one("INSERT INTO beneficiaries_beneficiary (client_id, name, account_type, address_id, "
                       "email_notification, reference_information, reason_for_trade, purpose_code, aml_status, "
                       "is_active, is_deleted, created, modified) VALUES (%s, %s, 'business', %s, false, %s, "
                       "'supplier_payment', NULL, 'pending', true, false, now(), now()) RETURNING id",
                       self.client, name, address, token)
        self.connection.execute("INSERT INTO core_bankaccount (kind, beneficiary_id, bank_id, account_holder, "
                                "account_number, iban, currency, is_default, is_active, modified) VALUES "
                                "('beneficiary', %s, %s, %s, NULL, 'ES9121000418450200051332', 'EUR', true, true, "
                                "now())", (row, self.bank, beside))
        self.connection.execute("INSERT INTO beneficiaries_alias (beneficiary_id, alias) VALUES (%s, %s)",
                                (row, beside))
        self.connection.execute("INSERT INTO beneficiaries_email (beneficiary_id, email) VALUES (%s, %s)",
                                (row, f"{beside}@example.org"))
        return row, 5

    def transaction(self, kind, announce):
        """One of them, and what is to be known of it."""
        characters = f"{self.rng.getrandbits(48):012x}"
        token = self.settings.prefix + characters
        self.connection.execute("BEGIN")
        row, rows = getattr(self, kind)(token, ROW_PREFIX + characters, f"Name {characters}")
        transaction = self.one("SELECT pg_current_xact_id()::text") if announce else ""
        if announce:
            number = uuid.uuid5(NAMESPACE, f"bos-{self.settings.instance}:beneficiary:{row}")
            print(token, f"/v1/beneficiaries/{number}", flush=True)
        before = time.time_ns()
        self.connection.execute("COMMIT")
        after = time.time_ns()
        return {"token": token, "kind": kind, "rows": rows, "transaction": transaction,
                "commit_us": before // 1000, "committed_us": after // 1000}

    def run(self, begin, due, announce):
        made = []
        for at in due:
            wait = begin + at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            told = self.transaction(self.rng.choices(KINDS, WEIGHTS)[0], announce)
            made.append({**told, "late_us": round((time.monotonic() - begin - at) * 1e6)})
        return made


def main(text):
    settings = Settings(json.loads(text))
    due = due_times(settings.rate, settings.seconds, random.Random(settings.seed))
    writers = [Writer(settings, number) for number in range(settings.writers)]
    made = [None] * settings.writers

    def work(number):
        made[number] = writers[number].run(begin, due[number :: settings.writers], settings.out is not None)

    begin = time.monotonic()
    if settings.writers == 1:
        work(0)
    else:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(settings.writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if any(each is None for each in made):
        return 1
    seconds = time.monotonic() - begin
    everything = [told for each in made for told in each]
    if settings.out:
        pathlib.Path(settings.out).write_text(json.dumps(everything), "utf-8")
    print(json.dumps({"transactions": len(everything), "seconds": round(seconds, 3),
                      "late_max_ms": max((told["late_us"] for told in everything), default=0) / 1000}), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
