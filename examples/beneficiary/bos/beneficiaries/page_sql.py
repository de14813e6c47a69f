"""The page of client/beneficiaries as one statement, its JSON written by PostgreSQL: the bytes of the serializers.

Nobody uses it: it is there to be measured against (./dev bench queries). It imports nothing, so that it can be sent
without Django too. row_to_json and array_to_json write no blanks, json_build_object and json_agg would.
"""

# See parameters(). One row: the body, and the total of all pages.
PAGE_SQL = """
SELECT replace(replace(array_to_json(ARRAY(
  SELECT row_to_json(element) FROM (
    SELECT
      b.id::text AS beneficiary_id, c.client_ref AS client_id, b.name,
      ARRAY(SELECT a.alias FROM beneficiaries_alias a WHERE a.beneficiary_id = b.id ORDER BY a.id) AS aliases,
      ARRAY(SELECT e.email FROM beneficiaries_email e WHERE e.beneficiary_id = b.id ORDER BY e.id) AS email_addresses,
      b.email_notification, b.is_active AS active,
      coalesce(d.address_line_1, '') AS address_line_1, coalesce(d.street_name, '') AS street_name,
      coalesce(d.building_number, '') AS building_number, coalesce(d.floor, '') AS floor,
      coalesce(d.apartment_office_number, '') AS apartment_office_number, coalesce(d.city, '') AS city,
      coalesce(d.state_region, '') AS state_region, coalesce(d.post_code, '') AS post_code,
      coalesce(rtrim(d.country_code), '') AS country_code,
      ARRAY(SELECT row_to_json(account) FROM (
        SELECT
          t.id::text AS account_id, coalesce(t.account_number, '') AS account_number, coalesce(t.iban, '') AS iban,
          k.swift_code, coalesce(t.bank_identifier, '') AS bank_identifier, k.name AS bank_name,
          coalesce(l.address_line_1, '') AS bank_address_line_1, rtrim(k.country_code) AS bank_country_code,
          rtrim(t.currency) AS bank_currency_code, coalesce(t.correspondent_account, '') AS correspondent_account,
          coalesce(t.correspondent_swift_code, '') AS correspondent_swift_code,
          b.reference_information, b.reason_for_trade,
          coalesce(r.inn, '') AS inn, coalesce(r.kbk, '') AS kbk, coalesce(r.kio, '') AS kio,
          coalesce(r.kpp, '') AS kpp, coalesce(r.vo, '') AS vo,
          coalesce(r.russian_central_bank_account, '') AS russian_central_bank_account
        FROM core_bankaccount t JOIN core_bank k ON k.id = t.bank_id LEFT JOIN core_address l ON l.id = k.address_id
        WHERE t.beneficiary_id = b.id AND t.kind = 'beneficiary' AND t.is_active ORDER BY t.id) account
      ) AS bank_accounts
    FROM beneficiaries_beneficiary b JOIN clients_client c ON c.id = b.client_id
    LEFT JOIN core_address d ON d.id = b.address_id LEFT JOIN beneficiaries_regulatory r ON r.beneficiary_id = b.id
    WHERE c.client_ref = %s AND NOT b.is_deleted ORDER BY b.id OFFSET %s LIMIT %s) element
  ))::text, U&'\\2028', '\\u2028'), U&'\\2029', '\\u2029'),
  (SELECT count(*) FROM beneficiaries_beneficiary b JOIN clients_client c ON c.id = b.client_id
   WHERE c.client_ref = %s AND NOT b.is_deleted)"""


def parameters(client_ref, page, page_size):
    return [client_ref, (page - 1) * page_size, page_size, client_ref]
