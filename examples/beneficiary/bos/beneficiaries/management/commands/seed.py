import random
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import AutoField

from beneficiaries.made_up import MadeUp
from beneficiaries.models import Alias, Beneficiary, Email, Regulatory
from clients.models import Client
from core.models import Address, Bank, BankAccount

ROWS_AT_ONCE = 2000


def insert(rows):
    """By COPY. bulk_create is slower, and casts what goes into char(2) to char, so that of "ES" "E" is left."""
    if not rows:
        return rows
    fields = rows[0]._meta.concrete_fields
    table, key = rows[0]._meta.db_table, rows[0]._meta.pk
    with connection.cursor() as cursor:
        if isinstance(key, AutoField):
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                           [table, key.column, len(rows)])
            for row, (number,) in zip(rows, cursor.fetchall()):
                row.pk = number
        columns = ", ".join(f'"{field.column}"' for field in fields)
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([field.pre_save(row, add=True) for field in fields])
    return rows


class Command(BaseCommand):
    help = "Fills an empty database with clients and beneficiaries. The same seed makes the same ones."

    def add_arguments(self, parser):
        parser.add_argument("--clients", type=int, default=20)
        parser.add_argument("--beneficiaries", type=int, default=200)
        parser.add_argument("--per-client", default="",
                            help="instead of chance: how many each client gets, e.g. 10,50,500, over and over")
        parser.add_argument("--deleted", type=float, default=0.03, help="share of softly deleted ones")
        parser.add_argument("--nasty", type=float, default=0.03, help="share of difficult texts")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there are clients already")

    def handle(self, **options):
        if Client.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("There are clients already. Seed an empty database, or give --if-empty.")
        begin = time.monotonic()
        self.rng = random.Random(options["seed"])
        self.deleted = options["deleted"]
        self.make = MadeUp(self.rng, options["nasty"])
        with transaction.atomic():
            self.make_banks(max(10, min(options["beneficiaries"] // 20, 2000)))
            clients = self.make_clients(options["clients"])
            owners = list(self.owners(clients, options["beneficiaries"], options["per_client"]))
            for first in range(0, len(owners), ROWS_AT_ONCE):
                self.make_beneficiaries(owners[first : first + ROWS_AT_ONCE])
            self.make_other_accounts(max(3, options["beneficiaries"] // 20))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # a running system has had its statistics gathered
        self.stdout.write(f"{len(clients)} clients, {len(owners)} beneficiaries in {time.monotonic() - begin:.1f} s, "
                          f"seed {options['seed']}")

    def owners(self, clients, count, per_client):
        """The client of each beneficiary; some clients have none where chance decides."""
        if not per_client:
            yield from (self.rng.choice(clients) for _ in range(count if clients else 0))
            return
        sizes = [int(size) for size in per_client.split(",")]
        given = 0
        for number, client in enumerate(clients):
            for _ in range(min(sizes[number % len(sizes)], count - given)):
                given += 1
                yield client

    def make_clients(self, count):
        return insert([Client(client_ref=f"EBPCLI{n:06}", name=self.make.name()) for n in range(1, count + 1)])

    def make_banks(self, count):
        countries = [self.make.country() for _ in range(count)]
        addresses = insert([Address(**self.make.address(c)) for c in countries if self.rng.random() < 0.6])
        spare = iter(addresses)
        self.banks = insert([
            Bank(address=next(spare, None) if self.rng.random() < 0.6 else None, **self.make.bank(c))
            for c in countries])

    def make_beneficiaries(self, owners):
        countries = [self.make.country() for _ in owners]
        addresses = insert([Address(**self.make.address(c)) for c in countries])
        made = insert([
            Beneficiary(client=client, address=address if self.rng.random() < 0.9 else None,
                        is_deleted=self.rng.random() < self.deleted, **self.make.beneficiary(country))
            for client, address, country in zip(owners, addresses, countries)])
        accounts, aliases, emails, regulatory = [], [], [], []
        for beneficiary, country in zip(made, countries):
            for number in range(self.rng.choice((0, 1, 1, 1, 1, 2, 3))):
                accounts.append(BankAccount(
                    kind=BankAccount.BENEFICIARY, beneficiary=beneficiary, bank=self.rng.choice(self.banks),
                    account_holder=beneficiary.name, is_default=number == 0, is_active=self.rng.random() < 0.95,
                    **self.make.account(country)))
            names = {self.make.alias() for _ in range(self.rng.choice((0, 0, 1, 1, 2)))}
            aliases += [Alias(beneficiary=beneficiary, alias=alias) for alias in sorted(names)]
            emails += [Email(beneficiary=beneficiary, email=self.make.email())
                       for _ in range(self.rng.choice((0, 1, 1, 2)))]
            if country == "RU" or self.rng.random() < 0.03:
                regulatory.append(Regulatory(beneficiary=beneficiary, **self.make.regulatory()))
        for rows in (accounts, aliases, emails, regulatory):
            insert(rows)

    def make_other_accounts(self, count):
        insert([
            BankAccount(kind=self.rng.choice((BankAccount.INTERNAL, BankAccount.SEGREGATED, BankAccount.BENEFICIARY)),
                        bank=self.rng.choice(self.banks), account_holder="BOS", **self.make.account("ES"))
            for _ in range(count)])
