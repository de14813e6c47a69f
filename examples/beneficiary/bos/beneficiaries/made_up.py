"""Names, addresses and account numbers that nobody has, from a seeded generator: valid where validity is checkable."""

import string

WORDS = ("Acme Nordic Iberia Omega Zephyr Prime Beacon Harbor Lumen Quartz Granite Copper Silver Meridian Vega Orchard "
         "Summit Atlas Falcon Ember Cobalt Juniper Delta Pacific Aurora Cedar Onyx Tundra Lotus Marble").split()
FORMS = {"ES": "SL", "DE": "GmbH", "FR": "SARL", "IT": "SpA", "NL": "BV", "GB": "Ltd", "US": "Inc", "AU": "Pty Ltd"}
FIRST = "Tara Jonas Nils Anna Grace Elena Yusuf Maya Diego Sven Liam Noor Kenji Priya Chidi Ines Tomas Lucia".split()
LAST = "Haas Khan Garcia Petrov Rossi Novak Okafor Tanaka Silva Larsen Weber Dubois Murphy Costa Singh Wang".split()
CITIES = {"ES": "Madrid", "DE": "Berlin", "FR": "Paris", "IT": "Roma", "NL": "Utrecht", "GB": "London", "US": "Boston",
          "AU": "Perth", "CA": "Toronto", "IN": "Pune", "MX": "Puebla", "AE": "Dubai", "CN": "北京市", "RU": "Kazan"}
STREETS = ("C. de Sevilla", "High Street", "Via Roma", "Kerkstraat", "Gran Via", "Rue de la Paix", "Main St",
           "Hauptstraße", "ул. Ленина", "中山路")
CURRENCIES = {"GB": "GBP", "US": "USD", "AU": "AUD", "CA": "CAD", "IN": "INR", "MX": "MXN", "AE": "AED", "CN": "CNY",
              "RU": "RUB"}
REASONS = ("", "supplier_payment", "salary", "rent", "intercompany")
REFERENCES = ("", "Invoice", "Rent", "Order", "Contract 7")
IBAN_BODIES = {"ES": "20d", "DE": "18d", "FR": "23d", "IT": "1a22d", "NL": "4a10d", "GB": "4a14d", "AE": "19d"}
NASTY = ("O'Brien \"Quoted\" \\ Back/slash", "tab\there\nand a line", "bell\x07 esc\x1b del\x7f", "line\u2028sep\u2029",
         "مـــرحبا\u202e rtl", "北京市朝阳区贸易有限公司", "emoji 👩\u200d👩\u200d👧\u200d👦", " blanks ", "NULL", "null", "   ",
         "</script>&amp;", "__debezium_unavailable_value", "\ufeffbom", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010ffff")


def iban_check_digits(country, body):
    digits = "".join(str(int(c, 36)) for c in body + country + "00")
    return f"{98 - int(digits) % 97:02}"


class MadeUp:
    """Everything is drawn from `rng`, so that one seed makes one history. nasty: the share of difficult texts."""

    def __init__(self, rng, nasty=0.03):
        self.rng = rng
        self.nasty = nasty

    def text(self, plain, length):
        chosen = self.rng.choice(NASTY) if self.rng.random() < self.nasty else plain
        return chosen[:length]

    def digits(self, count):
        return "".join(self.rng.choices(string.digits, k=count))

    def letters(self, count):
        return "".join(self.rng.choices(string.ascii_uppercase, k=count))

    def country(self):
        return self.rng.choice(tuple(CITIES))

    def name(self, is_business=True, country="ES"):
        if not is_business:
            return self.text(f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}", 140)
        words = " ".join(self.rng.sample(WORDS, 2))
        return self.text(f"{words} {FORMS.get(country, 'Co')}", 140)

    def alias(self):
        return self.text(f"{self.rng.choice(WORDS).lower()}-{self.digits(5)}", 64) + self.digits(4)

    def email(self):
        return f"{self.rng.choice(FIRST).lower()}.{self.digits(4)}@example.org"

    def address(self, country):
        return {
            "address_line_1": self.text(f"Unit {self.digits(3)}", 140) if self.rng.random() < 0.4 else "",
            "street_name": self.text(self.rng.choice(STREETS), 70),
            "building_number": self.digits(self.rng.randint(1, 3)),
            "floor": str(self.rng.randint(1, 30)) if self.rng.random() < 0.5 else "",
            "apartment_office_number": self.digits(3) if self.rng.random() < 0.5 else "",
            "city": self.text(CITIES[country], 70),
            "state_region": CITIES[country] if self.rng.random() < 0.5 else "",
            "post_code": self.digits(5),
            "country_code": country,
        }

    def swift_code(self, country):
        return self.letters(4) + country + self.letters(2) + self.rng.choice(("", "XXX", self.digits(3)))

    def bank(self, country):
        kind = self.rng.choice(("Credit", "Savings", "Bank"))
        return {"name": self.text(f"{CITIES[country]} {kind} {self.digits(4)}", 140),
                "swift_code": self.swift_code(country), "country_code": country}

    def iban(self, country):
        body, number = "", ""
        for c in IBAN_BODIES[country]:
            if c.isdigit():
                number += c
            else:
                body += self.digits(int(number)) if c == "d" else self.letters(int(number))
                number = ""
        return country + iban_check_digits(country, body) + body

    def account(self, country):
        made = {"currency": CURRENCIES.get(country, "EUR"), "account_number": None, "iban": None}
        if country in IBAN_BODIES:
            made["iban"] = self.iban(country)
        else:
            made["account_number"] = self.digits(self.rng.randint(8, 17))
            kinds = {"US": ("aba", 9), "AU": ("bsb", 6), "CA": ("transit", 9)}
            if country in kinds:
                made["bank_identifier_type"], length = kinds[country]
                made["bank_identifier"] = self.digits(length)
        if self.rng.random() < 0.1:
            made["correspondent_swift_code"] = self.swift_code("US")
            made["correspondent_account"] = self.digits(12)
        if self.rng.random() < 0.3:
            made["daily_limit"] = f"{self.digits(6)}.{self.digits(4)}"
        return made

    def regulatory(self):
        return {"inn": self.digits(self.rng.choice((10, 12))), "kpp": self.digits(9),
                "kio": self.rng.choice(("", self.digits(5))), "kbk": self.rng.choice(("", self.digits(20))),
                "vo": self.rng.choice(("", "VO10010", "VO20100")), "russian_central_bank_account": self.digits(20)}

    def beneficiary(self, country):
        is_business = self.rng.random() < 0.7
        return {
            "name": self.name(is_business, country),
            "account_type": "business" if is_business else "personal",
            "email_notification": self.rng.random() < 0.5,
            "reference_information": self.text(self.rng.choice(REFERENCES), 140),
            "reason_for_trade": self.rng.choice(REASONS),
            "purpose_code": self.rng.choice((None, None, None, "SVC", "GDS")),
            "aml_status": self.rng.choice(("pending", "clear", "clear", "clear", "blocked")),
            "is_active": self.rng.random() < 0.9,
        }
