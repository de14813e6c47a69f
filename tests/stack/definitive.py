"""What Daybook must show, computed from BOS's tables by SQL: every beneficiary in the definitive JSON.

`version` and `screening.checked_at` are not BOS's to know: leave them out when comparing.
"""

import json
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "beneficiary.daybook")

SQL = r"""
WITH shown AS (
  SELECT b.*, c.client_ref,
    (SELECT coalesce(json_agg(a.alias ORDER BY a.id), '[]') FROM beneficiaries_alias a WHERE a.beneficiary_id = b.id)
      AS aliases,
    (SELECT coalesce(json_agg(e.email ORDER BY e.id), '[]') FROM beneficiaries_email e WHERE e.beneficiary_id = b.id)
      AS emails,
    (SELECT json_build_object(
        'address_line_1', nullif(d.address_line_1, ''), 'street_name', nullif(d.street_name, ''),
        'building_number', nullif(d.building_number, ''), 'floor', nullif(d.floor, ''),
        'apartment_office_number', nullif(d.apartment_office_number, ''), 'city', nullif(d.city, ''),
        'state_region', nullif(d.state_region, ''), 'post_code', nullif(d.post_code, ''),
        'country_code', nullif(rtrim(d.country_code), ''))
      FROM core_address d WHERE d.id = b.address_id) AS address,
    (SELECT json_build_object(
        'inn', nullif(r.inn, ''), 'kpp', nullif(r.kpp, ''), 'kio', nullif(r.kio, ''), 'kbk', nullif(r.kbk, ''),
        'vo', nullif(r.vo, ''), 'russian_central_bank_account', nullif(r.russian_central_bank_account, ''))
      FROM beneficiaries_regulatory r WHERE r.beneficiary_id = b.id) AS regulatory,
    (SELECT coalesce(json_agg(json_build_object(
        'id', t.id, 'account_holder', nullif(t.account_holder, ''), 'currency', nullif(rtrim(t.currency), ''),
        'iban', nullif(t.iban, ''), 'account_number', nullif(t.account_number, ''),
        'bank_identifier', nullif(t.bank_identifier, ''), 'bank_identifier_type', nullif(t.bank_identifier_type, ''),
        'swift_code', nullif(k.swift_code, ''),
        'bank', json_build_object('name', nullif(k.name, ''), 'country_code', nullif(rtrim(k.country_code), ''),
                                  'address_line_1', nullif(l.address_line_1, '')),
        'correspondent',
          CASE WHEN coalesce(t.correspondent_swift_code, '') || coalesce(t.correspondent_account, '') <> ''
          THEN json_build_object('swift_code', nullif(t.correspondent_swift_code, ''),
                                 'account_number', nullif(t.correspondent_account, '')) END,
        'default', t.is_default,
        'status', CASE WHEN t.is_active THEN 'active' ELSE 'inactive' END) ORDER BY t.id), '[]')
      FROM core_bankaccount t JOIN core_bank k ON k.id = t.bank_id LEFT JOIN core_address l ON l.id = k.address_id
      WHERE t.beneficiary_id = b.id AND t.kind = 'beneficiary') AS accounts
  FROM beneficiaries_beneficiary b JOIN clients_client c ON c.id = b.client_id)
SELECT encode(convert_to(json_build_object(
  'id', id, 'client_id', client_ref,
  'status', CASE WHEN is_deleted THEN 'deleted' WHEN is_active THEN 'active' ELSE 'inactive' END,
  'type', nullif(account_type, ''), 'name', name, 'aliases', aliases, 'email_addresses', emails,
  'email_notification', email_notification, 'address', address, 'bank_accounts', accounts,
  'reference_information', nullif(reference_information, ''), 'reason_for_trade', nullif(reason_for_trade, ''),
  'purpose_code', nullif(purpose_code, ''), 'regulatory', regulatory,
  'screening', json_build_object('status', nullif(aml_status, '')),
  'created_at', to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'updated_at', to_char(modified AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text, 'UTF8'), 'hex')
FROM shown ORDER BY id"""


def id_of(instance, kind, key):
    """Daybook's id of a row of BOS; kind: beneficiary or bank_account."""
    return str(uuid.uuid5(NAMESPACE, f"bos-{instance}:{kind}:{key}"))


def beneficiaries(postgres, database, instance):
    """{id: definitive JSON as a dictionary} of every beneficiary that the database holds, deleted ones too."""
    found = {}
    for line in postgres.sql(SQL, database).split():
        made = json.loads(bytes.fromhex(line))
        key = made["id"]
        made["id"] = id_of(instance, "beneficiary", key)
        made["origin"] = {"system": "bos", "instance": instance, "id": str(key)}
        for account in made["bank_accounts"]:
            account["id"] = id_of(instance, "bank_account", account["id"])
        found[made["id"]] = made
    return found


def comparable(shown):
    """A beneficiary as Daybook shows it, without what BOS does not know."""
    made = {name: value for name, value in shown.items() if name != "version"}
    made["screening"] = {"status": shown["screening"]["status"]}
    return made
