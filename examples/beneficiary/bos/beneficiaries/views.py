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
from beneficiaries.page_sql import PAGE_SQL, parameters as page_sql_parameters
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


class SqlClientBeneficiaries(APIView):
    """The same answer by one statement, its JSON written by PostgreSQL. There to be measured; it knows no errors."""

    def get(self, request):
        query = request.query_params
        page, page_size = positive(query, "page", "1"), positive(query, "page_size", str(PAGE_SIZE))
        with connection.cursor() as cursor:
            cursor.execute(PAGE_SQL, page_sql_parameters(query.get("client_id", ""), page, page_size))
            body, total = cursor.fetchone()
        told = {"X-Total-Count": total, "X-Page": page, "X-Page-Size": page_size}
        return HttpResponse(body, content_type="application/json", headers=told)


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
