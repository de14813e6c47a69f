"""What `client/beneficiaries` answers. Its consumers want flat names, and empty texts rather than nulls."""

from rest_framework import serializers

from beneficiaries.models import Beneficiary
from core.models import BankAccount


class LegacySerializer(serializers.ModelSerializer):
    def to_representation(self, instance):
        return {name: "" if value is None else value for name, value in super().to_representation(instance).items()}


class BankAccountSerializer(LegacySerializer):
    account_id = serializers.CharField(source="id")
    swift_code = serializers.CharField(source="bank.swift_code")
    bank_name = serializers.CharField(source="bank.name")
    bank_address_line_1 = serializers.CharField(source="bank.address.address_line_1", default="")
    bank_country_code = serializers.CharField(source="bank.country_code")
    bank_currency_code = serializers.CharField(source="currency")
    reference_information = serializers.CharField(source="beneficiary.reference_information")
    reason_for_trade = serializers.CharField(source="beneficiary.reason_for_trade")
    inn = serializers.CharField(source="beneficiary.regulatory.inn", default="")
    kbk = serializers.CharField(source="beneficiary.regulatory.kbk", default="")
    kio = serializers.CharField(source="beneficiary.regulatory.kio", default="")
    kpp = serializers.CharField(source="beneficiary.regulatory.kpp", default="")
    vo = serializers.CharField(source="beneficiary.regulatory.vo", default="")
    russian_central_bank_account = serializers.CharField(
        source="beneficiary.regulatory.russian_central_bank_account", default="")

    class Meta:
        model = BankAccount
        fields = ["account_id", "account_number", "iban", "swift_code", "bank_identifier", "bank_name",
                  "bank_address_line_1", "bank_country_code", "bank_currency_code", "correspondent_account",
                  "correspondent_swift_code", "reference_information", "reason_for_trade", "inn", "kbk", "kio", "kpp",
                  "vo", "russian_central_bank_account"]


class BeneficiarySerializer(LegacySerializer):
    beneficiary_id = serializers.CharField(source="id")
    client_id = serializers.CharField(source="client.client_ref")
    aliases = serializers.SlugRelatedField(slug_field="alias", many=True, read_only=True)
    email_addresses = serializers.SlugRelatedField(source="emails", slug_field="email", many=True, read_only=True)
    active = serializers.BooleanField(source="is_active")
    address_line_1 = serializers.CharField(source="address.address_line_1", default="")
    street_name = serializers.CharField(source="address.street_name", default="")
    building_number = serializers.CharField(source="address.building_number", default="")
    floor = serializers.CharField(source="address.floor", default="")
    apartment_office_number = serializers.CharField(source="address.apartment_office_number", default="")
    city = serializers.CharField(source="address.city", default="")
    state_region = serializers.CharField(source="address.state_region", default="")
    post_code = serializers.CharField(source="address.post_code", default="")
    country_code = serializers.CharField(source="address.country_code", default="")
    bank_accounts = serializers.SerializerMethodField()

    class Meta:
        model = Beneficiary
        fields = ["beneficiary_id", "client_id", "name", "aliases", "email_addresses", "email_notification", "active",
                  "address_line_1", "street_name", "building_number", "floor", "apartment_office_number", "city",
                  "state_region", "post_code", "country_code", "bank_accounts"]

    def get_bank_accounts(self, beneficiary):
        accounts = getattr(beneficiary, "shown_accounts", None)  # where somebody has fetched them before
        if accounts is None:
            accounts = beneficiary.bank_accounts.filter(kind=BankAccount.BENEFICIARY, is_active=True)
        return BankAccountSerializer(accounts, many=True).data
