"""What BOS does with beneficiaries: each operation is one transaction over all the tables that it concerns."""

import contextlib
import json

from django.db import connection, transaction
from django.http import Http404
from rest_framework.exceptions import ValidationError

from beneficiaries.models import Alias, Beneficiary, Email, Regulatory
from clients.models import Client
from core.models import Address, Bank, BankAccount

CONTEXT_PREFIX = "bos.context"
TEXTS = ("name", "account_type", "reference_information", "reason_for_trade", "purpose_code")
FIELDS = {*TEXTS, "client_id", "email_notification", "address", "accounts", "aliases", "emails", "regulatory"}


@contextlib.contextmanager
def described(what, **more):
    """A transaction that says what it is: a logical message in the write-ahead log, for those who read the changes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_logical_emit_message(true, %s, %s)",
                           [CONTEXT_PREFIX, json.dumps({"type": what, **more})])
        yield


def find(pk):
    beneficiary = Beneficiary.objects.filter(pk=pk, is_deleted=False).first()
    if beneficiary is None:
        raise Http404("No Beneficiary matches the given query.")
    return beneficiary


def checked(data, is_new):
    """The fields of a request, or a ValidationError that names the wrong ones."""
    wrong = {name: ["Unknown field."] for name in data if name not in FIELDS}
    if is_new:
        wrong |= {name: ["This field is required."] for name in ("client_id", "name") if not data.get(name)}
    if wrong:
        raise ValidationError(wrong)
    data = dict(data)
    if "client_id" in data:
        data["client"] = Client.objects.filter(client_ref=data.pop("client_id")).first()
        if data["client"] is None:
            raise ValidationError({"client_id": ["No such client."]})
    for account in data.get("accounts", ()):
        if not Bank.objects.filter(pk=account.get("bank_id")).exists():
            raise ValidationError({"accounts": ["Each needs the bank_id of a bank."]})
    return data


def create_beneficiary(client, name, address=None, accounts=(), aliases=(), emails=(), regulatory=None, **fields):
    with transaction.atomic():
        fields.setdefault("account_type", "business")
        home = Address.objects.create(**address) if address else None
        beneficiary = Beneficiary.objects.create(client=client, name=name, address=home, **fields)
        for number, account in enumerate(accounts):
            add_account(beneficiary, is_default=number == 0, **account)
        Alias.objects.bulk_create([Alias(beneficiary=beneficiary, alias=alias) for alias in aliases])
        Email.objects.bulk_create([Email(beneficiary=beneficiary, email=email) for email in emails])
        if regulatory:
            Regulatory.objects.create(beneficiary=beneficiary, **regulatory)
    return beneficiary


def change_beneficiary(beneficiary, address=None, aliases=None, emails=None, accounts=(), regulatory=None, **fields):
    with transaction.atomic():
        for name, value in fields.items():
            setattr(beneficiary, name, value)
        if address is not None:
            change_address(beneficiary, **address)
        beneficiary.save()
        if aliases is not None:
            replace_aliases(beneficiary, aliases)
        if emails is not None:
            beneficiary.emails.all().delete()
            Email.objects.bulk_create([Email(beneficiary=beneficiary, email=email) for email in emails])
        for account in accounts:
            add_account(beneficiary, **account)
        if regulatory is not None:
            Regulatory.objects.update_or_create(beneficiary=beneficiary, defaults=regulatory)
    return beneficiary


def add_account(beneficiary, account_holder=None, is_default=False, **fields):
    return BankAccount.objects.create(
        kind=BankAccount.BENEFICIARY, beneficiary=beneficiary, account_holder=account_holder or beneficiary.name,
        is_default=is_default, **fields)


def make_default(account):
    with transaction.atomic():
        BankAccount.objects.filter(beneficiary=account.beneficiary_id, is_default=True).update(is_default=False)
        account.is_default = True
        account.save()


def change_address(beneficiary, **fields):
    """In place, or a new row where there was none."""
    with transaction.atomic():
        if beneficiary.address is None:
            beneficiary.address = Address.objects.create(**fields)
            beneficiary.save()
        else:
            for name, value in fields.items():
                setattr(beneficiary.address, name, value)
            beneficiary.address.save()


def replace_aliases(beneficiary, aliases):
    with transaction.atomic():
        beneficiary.aliases.exclude(alias__in=aliases).delete()
        known = set(beneficiary.aliases.values_list("alias", flat=True))
        Alias.objects.bulk_create([Alias(beneficiary=beneficiary, alias=a) for a in aliases if a not in known])


def soft_delete(beneficiary):
    with described("beneficiary.removed"):
        beneficiary.is_deleted = True
        beneficiary.is_active = False
        beneficiary.save()


def hard_delete(beneficiary):
    """Its aliases, emails and regulatory row go with it, its accounts stay without an owner, its address for good."""
    with described("beneficiary.erased"):
        address = beneficiary.address
        beneficiary.delete()
        shares = Beneficiary.objects.filter(address=address).exists() or Bank.objects.filter(address=address).exists()
        if address is not None and not shares:
            address.delete()


MASK = "*****"


def mask(beneficiary):
    """Personal data is overwritten where it stands, as the law's right to be forgotten is often met."""
    with described("beneficiary.masked"):
        beneficiary.name = MASK
        beneficiary.reference_information = ""
        beneficiary.save()
        beneficiary.emails.update(email=MASK)
        beneficiary.aliases.all().delete()
        beneficiary.bank_accounts.update(account_holder=MASK, iban=None, account_number=MASK)
        if beneficiary.address is not None:
            Address.objects.filter(pk=beneficiary.address_id).update(
                address_line_1=MASK, street_name=MASK, building_number="", floor="", apartment_office_number="")
