from django.db import models

from clients.models import Client
from core.models import Address


class Beneficiary(models.Model):
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="beneficiaries")
    name = models.CharField(max_length=140)
    account_type = models.CharField(max_length=16)
    address = models.ForeignKey(Address, null=True, on_delete=models.SET_NULL, related_name="+")
    email_notification = models.BooleanField(default=False)
    reference_information = models.CharField(max_length=140, blank=True, default="")
    reason_for_trade = models.CharField(max_length=64, blank=True, default="")
    purpose_code = models.CharField(max_length=16, null=True)
    aml_status = models.CharField(max_length=16, default="pending")
    is_active = models.BooleanField(default=True)
    is_deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]


class Alias(models.Model):
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=70)

    class Meta:
        ordering = ["id"]
        unique_together = [("beneficiary", "alias")]


class Email(models.Model):
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.CASCADE, related_name="emails")
    email = models.CharField(max_length=254)

    class Meta:
        ordering = ["id"]


class Regulatory(models.Model):
    """What payments to some countries need; most beneficiaries have none."""

    beneficiary = models.OneToOneField(Beneficiary, primary_key=True, on_delete=models.CASCADE,
                                       related_name="regulatory")
    inn = models.CharField(max_length=12, blank=True, default="")
    kpp = models.CharField(max_length=9, blank=True, default="")
    kio = models.CharField(max_length=5, blank=True, default="")
    kbk = models.CharField(max_length=20, blank=True, default="")
    vo = models.CharField(max_length=8, blank=True, default="")
    russian_central_bank_account = models.CharField(max_length=34, blank=True, default="")
