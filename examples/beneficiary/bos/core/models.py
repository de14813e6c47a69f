from django.db import models

from core.fields import FixedCharField


class Address(models.Model):
    """Of beneficiaries and of banks."""

    address_line_1 = models.CharField(max_length=140, blank=True, default="")
    street_name = models.CharField(max_length=70, blank=True, default="")
    building_number = models.CharField(max_length=16, blank=True, default="")
    floor = models.CharField(max_length=16, blank=True, default="")
    apartment_office_number = models.CharField(max_length=16, blank=True, default="")
    city = models.CharField(max_length=70, blank=True, default="")
    state_region = models.CharField(max_length=70, blank=True, default="")
    post_code = models.CharField(max_length=16, blank=True, default="")
    country_code = FixedCharField(max_length=2, blank=True, default="")
    modified = models.DateTimeField(auto_now=True)


class Bank(models.Model):
    """One row for all the accounts that are kept there."""

    name = models.CharField(max_length=140)
    swift_code = models.CharField(max_length=11, blank=True, default="")
    country_code = FixedCharField(max_length=2, blank=True, default="")
    address = models.ForeignKey(Address, null=True, on_delete=models.SET_NULL, related_name="+")
    modified = models.DateTimeField(auto_now=True)


class BankAccount(models.Model):
    """The company's own accounts, those segregated for clients, and those of beneficiaries."""

    INTERNAL, SEGREGATED, BENEFICIARY = "internal", "segregated", "beneficiary"

    kind = models.CharField(max_length=16)
    beneficiary = models.ForeignKey("beneficiaries.Beneficiary", null=True, on_delete=models.SET_NULL,
                                    related_name="bank_accounts")
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="bank_accounts")
    account_holder = models.CharField(max_length=140)
    account_number = models.CharField(max_length=34, null=True)
    iban = models.CharField(max_length=34, null=True)
    currency = FixedCharField(max_length=3)
    bank_identifier = models.CharField(max_length=32, null=True)
    bank_identifier_type = models.CharField(max_length=16, null=True)
    correspondent_swift_code = models.CharField(max_length=11, null=True)
    correspondent_account = models.CharField(max_length=34, null=True)
    daily_limit = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
