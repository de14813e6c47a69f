import re

from django.db import connection
from django.db.models import Prefetch
from django.http import HttpResponse
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from beneficiaries import services
from beneficiaries.models import Beneficiary
from beneficiaries.serializers import BeneficiarySerializer
from clients.models import Client
from core.models import BankAccount

PAGE_SIZE, PAGE_SIZE_MAX = 50, 500
WHOLE_NUMBER = re.compile(r"\s*\+?[0-9]{1,4000}\s*", re.ASCII)


def positive(parameters, name, default):
    text = parameters.get(name, default)
    if not WHOLE_NUMBER.fullmatch(text) or int(text) < 1:
        raise ValidationError({name: ["A valid positive integer is required."]})
    return int(text)


class ClientBeneficiaries(APIView):
    """GET client/beneficiaries?client_id=&page=&page_size=&iban="""

    def get(self, request):
        parameters = request.query_params
        client_ref = parameters.get("client_id")
        if not client_ref:
            raise ValidationError({"client_id": ["This field is required."]})
        page = positive(parameters, "page", "1")
        page_size = min(positive(parameters, "page_size", str(PAGE_SIZE)), PAGE_SIZE_MAX)
        try:
            client = Client.objects.get(client_ref=client_ref.replace("\0", "\ufffd"))
        except Client.DoesNotExist:
            raise NotFound("No Client matches the given query.") from None
        beneficiaries = Beneficiary.objects.filter(client=client, is_deleted=False)
        iban = parameters.get("iban", "").replace(" ", "").upper()
        if iban:
            beneficiaries = beneficiaries.filter(
                id__in=BankAccount.objects.filter(kind=BankAccount.BENEFICIARY, is_active=True, iban=iban)
                .values("beneficiary_id"))
        total = beneficiaries.count()
        first = (page - 1) * page_size
        shown = self.shown(beneficiaries, first, page_size) if first < total else []
        return Response(shown, headers={"X-Total-Count": total, "X-Page": page, "X-Page-Size": page_size})

    def shown(self, beneficiaries, first, count):
        return BeneficiarySerializer(beneficiaries[first : first + count], many=True).data


class PrefetchedClientBeneficiaries(ClientBeneficiaries):
    """The same answer with the relations fetched beforehand. Nobody uses it: it is there to be measured."""

    def shown(self, beneficiaries, first, count):
        accounts = BankAccount.objects.filter(kind=BankAccount.BENEFICIARY, is_active=True)
        accounts = accounts.select_related("bank__address", "beneficiary__regulatory")
        beneficiaries = beneficiaries.select_related("client", "address").prefetch_related(
            "aliases", "emails", Prefetch("bank_accounts", accounts, to_attr="shown_accounts"))
        return super().shown(beneficiaries, first, count)


PAGE_SQL = """
SELECT coalesce(json_agg(element ORDER BY id), '[]')::text FROM (
  SELECT b.id, json_build_object(
    'beneficiary_id', b.id::text, 'client_id', c.client_ref, 'name', b.name,
    'aliases', (SELECT coalesce(json_agg(a.alias ORDER BY a.id), '[]') FROM beneficiaries_alias a
                WHERE a.beneficiary_id = b.id),
    'email_addresses', (SELECT coalesce(json_agg(e.email ORDER BY e.id), '[]') FROM beneficiaries_email e
                        WHERE e.beneficiary_id = b.id),
    'email_notification', b.email_notification, 'active', b.is_active,
    'address_line_1', coalesce(d.address_line_1, ''), 'street_name', coalesce(d.street_name, ''),
    'building_number', coalesce(d.building_number, ''), 'floor', coalesce(d.floor, ''),
    'apartment_office_number', coalesce(d.apartment_office_number, ''), 'city', coalesce(d.city, ''),
    'state_region', coalesce(d.state_region, ''), 'post_code', coalesce(d.post_code, ''),
    'country_code', coalesce(rtrim(d.country_code), ''),
    'bank_accounts', (
      SELECT coalesce(json_agg(json_build_object(
        'account_id', t.id::text, 'account_number', coalesce(t.account_number, ''), 'iban', coalesce(t.iban, ''),
        'swift_code', k.swift_code, 'bank_identifier', coalesce(t.bank_identifier, ''), 'bank_name', k.name,
        'bank_address_line_1', coalesce(l.address_line_1, ''), 'bank_country_code', rtrim(k.country_code),
        'bank_currency_code', rtrim(t.currency), 'correspondent_account', coalesce(t.correspondent_account, ''),
        'correspondent_swift_code', coalesce(t.correspondent_swift_code, ''),
        'reference_information', b.reference_information, 'reason_for_trade', b.reason_for_trade,
        'inn', coalesce(r.inn, ''), 'kbk', coalesce(r.kbk, ''), 'kio', coalesce(r.kio, ''),
        'kpp', coalesce(r.kpp, ''), 'vo', coalesce(r.vo, ''),
        'russian_central_bank_account', coalesce(r.russian_central_bank_account, '')) ORDER BY t.id), '[]')
      FROM core_bankaccount t JOIN core_bank k ON k.id = t.bank_id LEFT JOIN core_address l ON l.id = k.address_id
      WHERE t.beneficiary_id = b.id AND t.kind = 'beneficiary' AND t.is_active)) AS element
  FROM beneficiaries_beneficiary b JOIN clients_client c ON c.id = b.client_id
  LEFT JOIN core_address d ON d.id = b.address_id LEFT JOIN beneficiaries_regulatory r ON r.beneficiary_id = b.id
  WHERE c.client_ref = %s AND NOT b.is_deleted ORDER BY b.id OFFSET %s LIMIT %s) page"""


class SqlClientBeneficiaries(APIView):
    """The page by one statement, its JSON written by PostgreSQL (whose white space differs). There to be measured."""

    def get(self, request):
        parameters = request.query_params
        page, page_size = positive(parameters, "page", "1"), positive(parameters, "page_size", str(PAGE_SIZE))
        with connection.cursor() as cursor:
            cursor.execute(PAGE_SQL, [parameters.get("client_id", ""), (page - 1) * page_size, page_size])
            return HttpResponse(cursor.fetchone()[0], content_type="application/json")


class Beneficiaries(APIView):
    """POST beneficiaries: the fields of services.create_beneficiary."""

    def post(self, request):
        beneficiary = services.create_beneficiary(**services.checked(request.data, is_new=True))
        return Response(BeneficiarySerializer(beneficiary).data, status=status.HTTP_201_CREATED)


class OneBeneficiary(APIView):
    def get(self, request, pk):
        return Response(BeneficiarySerializer(services.find(pk)).data)

    def patch(self, request, pk):
        beneficiary = services.change_beneficiary(services.find(pk), **services.checked(request.data, is_new=False))
        return Response(BeneficiarySerializer(beneficiary).data)

    def delete(self, request, pk):
        services.soft_delete(services.find(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def healthz(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    return HttpResponse("ok")
