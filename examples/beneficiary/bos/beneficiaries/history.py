"""The operations of the change generator: what users, batch jobs and migrations of a system like this one do.

Each is a function (world) -> text that does its writes inside the transaction that the caller has opened. Operations
that describe themselves by a logical message are marked by @says. NotNow: there is nothing to do it with.
"""

from django.db import connection, transaction
from django.db.models import F

from beneficiaries import services
from beneficiaries.models import Alias, Beneficiary, Email, Regulatory
from clients.models import Client
from core.models import Address, Bank, BankAccount


class NotNow(Exception):
    """There is no row to do this with."""


class World:
    """What operations draw from: rows by chance, and made-up values."""

    def __init__(self, rng, make):
        self.rng = rng
        self.make = make

    def any(self, rows):
        """A row by chance, in two queries however many there are."""
        highest = rows.order_by("-id").values_list("id", flat=True).first()
        if highest is None:
            raise NotNow
        at_least = self.rng.randint(1, highest)
        return rows.filter(id__gte=at_least).order_by("id").first()

    def beneficiary(self, **conditions):
        return self.any(Beneficiary.objects.filter(**{"is_deleted": False, **conditions}))

    def account(self, **conditions):
        return self.any(BankAccount.objects.filter(
            **{"kind": BankAccount.BENEFICIARY, "beneficiary__isnull": False, **conditions}))

    def bank(self):
        return self.any(Bank.objects.all())

    def client(self):
        return self.any(Client.objects.all())

    def chance(self, share):
        return self.rng.random() < share


OPERATIONS = []  # (weight, function, message type or None)


def operation(weight, says=None):
    def register(function):
        OPERATIONS.append((weight, function, says))
        return function

    return register


# --- what users do ---------------------------------------------------------------------------------------------------


@operation(14, says="beneficiary.registered")
def create(world):
    country = world.make.country()
    fields = world.make.beneficiary(country)
    made = services.create_beneficiary(
        client=world.client(), address=world.make.address(country) if world.chance(0.9) else None,
        accounts=[{"bank": world.bank(), **world.make.account(country)} for _ in range(world.rng.randint(0, 2))],
        aliases=[world.make.alias() for _ in range(world.rng.randint(0, 2))],
        emails=[world.make.email() for _ in range(world.rng.randint(0, 2))],
        regulatory=world.make.regulatory() if country == "RU" else None, **fields)
    return f"beneficiary {made.id}"


@operation(10)
def create_without_describing(world):
    return create(world)


@operation(12)
def edit(world):
    beneficiary = world.beneficiary()
    fields = world.make.beneficiary(world.make.country())
    chosen = world.rng.sample(sorted(fields), world.rng.randint(1, 3))
    services.change_beneficiary(beneficiary, **{name: fields[name] for name in chosen})
    return f"beneficiary {beneficiary.id}: {', '.join(chosen)}"


@operation(8)
def edit_address(world):
    beneficiary = world.beneficiary()
    made = world.make.address(world.make.country())
    if world.chance(0.3):  # a new row, the old one is left or removed
        old, beneficiary.address = beneficiary.address, Address.objects.create(**made)
        beneficiary.save()
        used = Bank.objects.filter(address=old).exists() or Beneficiary.objects.filter(address=old).exists()
        if old is not None and not used and world.chance(0.7):
            old.delete()
    else:
        services.change_address(beneficiary, **made)
    return f"beneficiary {beneficiary.id}"


@operation(10, says="beneficiary.account_added")
def add_account(world):
    beneficiary = world.beneficiary()
    account = services.add_account(beneficiary, bank=world.bank(), **world.make.account(world.make.country()))
    if world.chance(0.3):
        services.make_default(account)
    return f"beneficiary {beneficiary.id}, account {account.id}"


@operation(8)
def edit_account(world):
    account = world.account()
    for name, value in world.make.account(world.make.country()).items():
        setattr(account, name, value)
    if world.chance(0.4):
        account.bank = world.bank()
    account.save()
    return f"account {account.id}"


@operation(5)
def switch_account(world):
    account = world.account()
    if world.chance(0.5):
        services.make_default(account)
    else:
        account.is_active = not account.is_active
        account.save(update_fields=["is_active"])  # `modified` is forgotten, as happens
    return f"account {account.id}"


@operation(3)
def remove_account(world):
    account = world.account()
    told = f"account {account.id}"
    account.delete()
    return told


@operation(8)
def edit_aliases(world):
    beneficiary = world.beneficiary()
    kept = [alias for alias in beneficiary.aliases.values_list("alias", flat=True) if world.chance(0.5)]
    services.replace_aliases(beneficiary, [*kept, *(world.make.alias() for _ in range(world.rng.randint(0, 2)))])
    return f"beneficiary {beneficiary.id}"


@operation(4)
def rename_alias(world):
    alias = world.any(Alias.objects.all())
    alias.alias = world.make.alias()
    alias.save()
    return f"alias {alias.id}"


@operation(8)
def edit_emails(world):
    beneficiary = world.beneficiary()
    emails = [world.make.email() for _ in range(world.rng.randint(0, 3))]
    services.change_beneficiary(beneficiary, emails=emails + emails[:1] if world.chance(0.2) else emails)
    return f"beneficiary {beneficiary.id}"


@operation(4)
def edit_regulatory(world):
    beneficiary = world.beneficiary()
    if Regulatory.objects.filter(beneficiary=beneficiary).exists() and world.chance(0.4):
        beneficiary.regulatory.delete()
    else:
        Regulatory.objects.update_or_create(beneficiary=beneficiary, defaults=world.make.regulatory())
    return f"beneficiary {beneficiary.id}"


@operation(4)
def soft_delete(world):
    beneficiary = world.beneficiary()
    services.soft_delete(beneficiary)
    return f"beneficiary {beneficiary.id}"


@operation(3, says="beneficiary.restored")
def restore(world):
    beneficiary = world.beneficiary(is_deleted=True)
    beneficiary.is_deleted = False
    beneficiary.is_active = True
    beneficiary.save()
    return f"beneficiary {beneficiary.id}"


@operation(2)
def hard_delete(world):
    beneficiary = world.any(Beneficiary.objects.all())
    told = f"beneficiary {beneficiary.id}"
    services.hard_delete(beneficiary)
    return told


@operation(1)
def mask(world):
    beneficiary = world.beneficiary()
    services.mask(beneficiary)
    return f"beneficiary {beneficiary.id}"


@operation(3, says="beneficiary.screened")
def screen(world):
    beneficiary = world.beneficiary()
    Beneficiary.objects.filter(pk=beneficiary.pk).update(aml_status=world.rng.choice(("pending", "clear", "blocked")))
    return f"beneficiary {beneficiary.id}"


@operation(3)
def edit_client(world):
    client = world.client()
    client.name = world.make.name()
    client.status = world.rng.choice(("active", "suspended"))
    client.save()
    return f"client {client.client_ref}"


def next_client_ref():
    last = Client.objects.order_by("-client_ref").values_list("client_ref", flat=True).first() or "EBPCLI000000"
    return f"EBPCLI{int(last[6:]) + 1:06}"


@operation(2)
def create_client(world):
    return Client.objects.create(client_ref=next_client_ref(), name=world.make.name()).client_ref


# --- what is shared, and what moves ----------------------------------------------------------------------------------


@operation(4, says="bank.changed")
def edit_bank(world):
    bank = world.bank()
    bank.name = world.make.bank("ES")["name"]
    if world.chance(0.5):
        bank.swift_code = world.make.swift_code("ES")
    bank.save()
    return f"bank {bank.id}"


@operation(2)
def edit_bank_address(world):
    bank = world.bank()
    if bank.address is None or world.chance(0.3):
        bank.address = Address.objects.create(**world.make.address(world.make.country()))
        bank.save()
    else:
        bank.address.address_line_1 = f"Floor {world.make.digits(2)}"
        bank.address.save()
    return f"bank {bank.id}"


@operation(3, says="banks.merged")
def merge_banks(world):
    kept, gone = world.bank(), world.bank()
    if kept == gone:
        raise NotNow
    moved = BankAccount.objects.filter(bank=gone).update(bank=kept)
    told = f"bank {gone.id} into {kept.id}, {moved} accounts"
    gone.delete()
    Bank.objects.create(**world.make.bank(world.make.country()))  # so that they never run out
    return told


@operation(5)
def move_account(world):
    account, other = world.account(), world.beneficiary()
    account.beneficiary = other
    account.is_default = False
    account.save()
    return f"account {account.id} to beneficiary {other.id}"


@operation(3)
def move_alias_or_email(world):
    row, other = world.any((Alias if world.chance(0.5) else Email).objects.all()), world.beneficiary()
    row.beneficiary = other
    row.save()
    return f"{row._meta.model_name} {row.id} to beneficiary {other.id}"


@operation(3, says="beneficiary.moved")
def move_beneficiary(world):
    beneficiary, client = world.beneficiary(), world.client()
    beneficiary.client = client
    beneficiary.save()
    return f"beneficiary {beneficiary.id} to {client.client_ref}"


@operation(3)
def change_kind(world):
    """An account becomes ours, or stops being so."""
    account = world.any(BankAccount.objects.all())
    if account.kind == BankAccount.BENEFICIARY:
        account.kind = world.rng.choice((BankAccount.INTERNAL, BankAccount.SEGREGATED))
    else:
        account.kind = BankAccount.BENEFICIARY
        account.beneficiary = account.beneficiary or world.beneficiary()
    account.save()
    return f"account {account.id} is {account.kind}"


@operation(2)
def share_address(world):
    first, second = world.beneficiary(address__isnull=False), world.beneficiary()
    second.address = first.address
    second.save()
    return f"address {first.address_id} of beneficiaries {first.id} and {second.id}"


# --- what migrations and batch jobs do -------------------------------------------------------------------------------


@operation(2, says="client.references_normalised")
def bulk_update(world):
    client = world.client()
    rows = Beneficiary.objects.filter(client=client)
    count = rows.update(reason_for_trade="supplier_payment", email_notification=world.chance(0.5))
    return f"{count} of {client.client_ref}"


@operation(2)
def bulk_update_accounts(world):
    first = world.account().id
    rows = BankAccount.objects.filter(id__gte=first, id__lt=first + 50, daily_limit__isnull=False)
    return f"{rows.update(daily_limit=F('daily_limit') + 1)} accounts from {first}"


@operation(2)
def touch(world):
    """Writes rows as they are: PostgreSQL logs them, nothing has changed."""
    beneficiary = world.beneficiary()
    Beneficiary.objects.filter(pk=beneficiary.pk).update(name=F("name"))
    BankAccount.objects.filter(beneficiary=beneficiary).update(is_active=F("is_active"))
    return f"beneficiary {beneficiary.id}"


@operation(3)
def write_the_same_row_often(world):
    beneficiary = world.beneficiary()
    for _ in range(world.rng.randint(2, 5)):
        beneficiary.name = world.make.name()
        beneficiary.save()
    return f"beneficiary {beneficiary.id}"


@operation(5)
def write_together(world):
    """One text into several tables, in several statements: who sees two texts has seen half a transaction."""
    beneficiary, text = world.beneficiary(), f"together {world.make.digits(8)}"
    beneficiary.name = beneficiary.reference_information = text
    beneficiary.save()
    for account in beneficiary.bank_accounts.filter(kind=BankAccount.BENEFICIARY):
        account.account_holder = text
        account.save()
    if beneficiary.address is not None:
        beneficiary.address.city = text
        beneficiary.address.save()
    return f"beneficiary {beneficiary.id}"


@operation(2)
def half_is_taken_back(world):
    """A savepoint inside the transaction is rolled back; the rest is committed."""
    beneficiary = world.beneficiary()
    beneficiary.reference_information = f"kept {world.make.digits(4)}"
    beneficiary.save()
    point = transaction.savepoint()
    Email.objects.create(beneficiary=beneficiary, email="never@example.org")
    beneficiary.name = "never seen"
    beneficiary.save()
    transaction.savepoint_rollback(point)
    return f"beneficiary {beneficiary.id}"


@operation(2)
def child_before_parent(world):
    """Foreign keys are checked at the end: an import may write them in any order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('beneficiaries_beneficiary', 'id'))")
        number = cursor.fetchone()[0]
    BankAccount.objects.create(kind=BankAccount.BENEFICIARY, beneficiary_id=number, bank=world.bank(),
                               account_holder="early", **world.make.account("ES"))
    Alias.objects.create(beneficiary_id=number, alias=world.make.alias())
    Beneficiary.objects.create(id=number, client=world.client(), **world.make.beneficiary("ES"))
    return f"beneficiary {number}"


@operation(2)
def recreate_with_the_same_key(world):
    """Deleted and inserted again under its old key, as an import that replaces does."""
    beneficiary = world.beneficiary()
    number, client = beneficiary.id, beneficiary.client
    beneficiary.delete()
    Beneficiary.objects.create(id=number, client=client, **world.make.beneficiary("ES"))
    return f"beneficiary {number}"


@operation(2)
def change_a_key(world):
    """A primary key is changed, and what refers to it with it."""
    with connection.cursor() as cursor:
        if world.chance(0.5):
            old = world.account().id
            cursor.execute("UPDATE core_bankaccount SET id = nextval(pg_get_serial_sequence('core_bankaccount', 'id')) "
                           "WHERE id = %s RETURNING id", [old])
            return f"account {old} is {cursor.fetchone()[0]}"
        old = world.beneficiary().id
        cursor.execute("UPDATE beneficiaries_beneficiary SET id = nextval(pg_get_serial_sequence("
                       "'beneficiaries_beneficiary', 'id')) WHERE id = %s RETURNING id", [old])
        new = cursor.fetchone()[0]
        for table in ("beneficiaries_alias", "beneficiaries_email", "beneficiaries_regulatory", "core_bankaccount"):
            cursor.execute(f"UPDATE {table} SET beneficiary_id = %s WHERE beneficiary_id = %s", [new, old])
        return f"beneficiary {old} is {new}"


@operation(1, says="client.renumbered")
def change_client_ref(world):
    client = world.client()
    old, client.client_ref = client.client_ref, next_client_ref()
    client.save()
    return f"{old} is {client.client_ref}"


@operation(1)
def delete_client(world):
    client = world.any(Client.objects.filter(beneficiaries__isnull=True))
    told = client.client_ref
    client.delete()
    return told
