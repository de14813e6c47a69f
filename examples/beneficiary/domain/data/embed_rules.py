"""Turns validation_rules.json into C++ tables: embed_rules.py IN OUT. Any mistake in the file fails the build."""

import json
import sys

CHECKS = {"", "iban", "bic", "aba", "clabe", "sort_code", "bsb", "transit", "ifsc"}


def quoted(text):
    return json.dumps(text)


def checked_codes(text, what):
    codes = text.split()
    for code in codes:
        if len(code) != 2 or not code.isalpha() or not code.isupper():
            raise ValueError(f"{what}: {code!r} is no country code")
    if codes != sorted(set(codes)):
        raise ValueError(f"{what}: codes are unique and sorted")
    return codes


def field_line(field):
    unknown = set(field) - {"field", "required", "unless", "pattern", "check", "code"}
    if unknown:
        raise ValueError(f"{field['field']}: unknown {unknown}")
    check = field.get("check", "")
    if check not in CHECKS:
        raise ValueError(f"{field['field']}: unknown check {check!r}")
    code = field.get("code", check.upper() + "_FORMAT" if check else "")
    if field.get("pattern") and not code:
        raise ValueError(f"{field['field']}: a pattern needs a code")
    parts = [field["field"], field.get("unless", ""), field.get("pattern", ""), check, code]
    pointer, unless, pattern, check, code = map(quoted, parts)
    required = "true" if field["required"] else "false"
    return f"    {{{pointer}, {required}, {unless}, {pattern}, {check}, {code}}},"


def main(source, target):
    with open(source, encoding="utf-8") as f:
        rules = json.load(f)
    sepa = " ".join(checked_codes(rules["sepa"], "sepa"))
    out = ["// Generated from validation_rules.json by embed_rules.py; do not edit.", ""]

    for i, account in enumerate(rules["accounts"]):
        out.append(f"inline constexpr FieldData kFields{i}[] = {{")
        out += [field_line(field) for field in account["fields"]]
        out += ["};", ""]
    if rules["accounts"][-1]["bank_country"] != "*":
        raise ValueError("the last row of accounts is for all others")
    out.append("inline constexpr AccountData kAccountRules[] = {")
    for i, account in enumerate(rules["accounts"]):
        countries = sepa if account["bank_country"] == "sepa" else account["bank_country"]
        if account["entity_type"] not in ("*", "business", "personal"):
            raise ValueError("entity_type is business, personal or *")
        keys = ", ".join(quoted(k) for k in (countries, account["currency"], account["entity_type"]))
        out.append(f"    {{{keys}, kFields{i}}},")
    out += ["};", ""]

    out.append("inline constexpr CheckPattern kCheckPatterns[] = {")
    out += [f"    {{{quoted(check)}, {quoted(pattern)}}}," for check, pattern in rules["check_patterns"].items()]
    out += ["};", ""]

    out.append("inline constexpr TextData kTextRules[] = {")
    for group, fields in rules["text"].items():
        for name, rule in fields.items():
            charset = {None: "false", "swift_x": "true"}[rule.get("charset")]
            pointer = rule.get("pointer", name)
            out.append(f"    {{{quoted(group)}, {quoted(name)}, {quoted(pointer)}, {rule['length']}, {charset}}},")
    out += ["};", ""]

    out.append(f"inline constexpr int kElementsMax = {int(rules['elements_max'])};")
    out.append("inline constexpr std::string_view kBankIdentifierTypes[] = {")
    out.append("    " + ", ".join(map(quoted, rules["bank_identifier_types"])) + "};")
    out.append("inline constexpr CountryNumber kIbanLengths[] = {")
    checked_codes(" ".join(rules["iban_lengths"]), "iban_lengths")
    out += [f"    {{{quoted(code)}, {int(length)}}}," for code, length in rules["iban_lengths"].items()]
    out.append("};")
    out.append("inline constexpr CountryList kIbanTerritories[] = {")
    for code, territories in rules["iban_territories"].items():
        out.append(f"    {{{quoted(code)}, {quoted(' '.join(checked_codes(territories, code)))}}},")
    out.append("};")
    out.append("inline constexpr std::string_view kCountries[] = {")
    out += [f"    {quoted(code)}," for code in checked_codes(rules["countries"], "countries")]
    out.append("};")
    with open(target, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
