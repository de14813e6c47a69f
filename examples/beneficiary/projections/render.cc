#include "beneficiary/projections/render.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace beneficiary {

namespace {

using state::v1::BeneficiaryState;
using types::v1::BankAccount;

enum Escape : char { kPlain = 0, kHex = 'u', kLineSeparatorLead = 1 };

constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> out = {};
  for (std::size_t c = 0; c < 0x20; ++c) out[c] = kHex;
  out['\b'] = 'b';
  out['\f'] = 'f';
  out['\n'] = 'n';
  out['\r'] = 'r';
  out['\t'] = 't';
  out['"'] = '"';
  out['\\'] = '\\';
  out[0xe2] = kLineSeparatorLead;  // U+2028 and U+2029 are e2 80 a8 and e2 80 a9
  return out;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

void AppendHexEscape(unsigned char c, std::string& out) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  out.append("\\u00");
  out.push_back(kHexDigits[c >> 4]);
  out.push_back(kHexDigits[c & 15]);
}

template <LineSeparators kSeparators>
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void Raw(std::string_view bytes) { out_.append(bytes); }

  void Text(std::string_view text) {
    out_.push_back('"');
    std::size_t copied = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char escape = kEscapes[static_cast<unsigned char>(text[i])];
      if (escape == kPlain) [[likely]]
        continue;
      if (escape == kLineSeparatorLead) {
        if (kSeparators == LineSeparators::kRaw || !IsLineSeparator(text, i)) continue;
        out_.append(text, copied, i - copied);
        out_.append(text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
        i += 2;
      } else {
        out_.append(text, copied, i - copied);
        if (escape == kHex) {
          AppendHexEscape(static_cast<unsigned char>(text[i]), out_);
        } else {
          out_.push_back('\\');
          out_.push_back(escape);
        }
      }
      copied = i + 1;
    }
    out_.append(text, copied);
    out_.push_back('"');
  }

  void TextOrNull(std::string_view text) {
    if (text.empty()) {
      out_.append("null");
    } else {
      Text(text);
    }
  }

  void Bool(bool value) { out_.append(value ? "true" : "false"); }

  void Number(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }

  // RFC 3339 in UTC with six digits.
  void Time(std::int64_t micros);

 private:
  static bool IsLineSeparator(std::string_view text, std::size_t i) {
    return i + 2 < text.size() && text[i + 1] == '\x80' && (text[i + 2] == '\xa8' || text[i + 2] == '\xa9');
  }

  std::string& out_;
};

void PutDigits(char* to, std::uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// The proleptic Gregorian date of a number of days since 1970-01-01, counted in eras of 400 years from March, so that
// the leap day is the last of its year.
Date DateOf(std::int64_t days) {
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(shifted - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned march_month = (5 * day_of_year + 2) / 153;
  const unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day_of_year - (153 * march_month + 2) / 5 + 1};
}

template <LineSeparators kSeparators>
void Writer<kSeparators>::Time(std::int64_t micros) {
  constexpr std::int64_t kDayMicros = 86'400'000'000;
  const std::int64_t rest_of_day = micros % kDayMicros;
  const std::int64_t days = micros / kDayMicros - (rest_of_day < 0 ? 1 : 0);
  const auto in_day = static_cast<std::uint64_t>(rest_of_day < 0 ? rest_of_day + kDayMicros : rest_of_day);
  const Date date = DateOf(days);
  out_.push_back('"');
  if (date.year < 0 || date.year > 9999) {
    char year[24];
    out_.append(year, std::to_chars(year, year + sizeof year, date.year).ptr);
  } else {
    char year[4];
    PutDigits(year, static_cast<std::uint64_t>(date.year), 4);
    out_.append(year, 4);
  }
  char rest[] = "-00-00T00:00:00.000000Z\"";
  PutDigits(rest + 1, date.month, 2);
  PutDigits(rest + 4, date.day, 2);
  PutDigits(rest + 7, in_day / 3'600'000'000, 2);
  PutDigits(rest + 10, in_day / 60'000'000 % 60, 2);
  PutDigits(rest + 13, in_day / 1'000'000 % 60, 2);
  PutDigits(rest + 16, in_day % 1'000'000, 6);
  out_.append(rest, sizeof rest - 1);
}

using Definitive = Writer<LineSeparators::kRaw>;
using Compat = Writer<LineSeparators::kEscaped>;

template <class W, class List, class TextOf>
void AppendTexts(W& w, const List& list, TextOf text_of) {
  w.Raw("[");
  bool first = true;
  for (const auto& element : list) {
    if (!first) w.Raw(",");
    first = false;
    w.Text(text_of(element));
  }
  w.Raw("]");
}

std::string_view StatusText(const BeneficiaryState& s) {
  if (s.removed()) return "deleted";
  return s.active() ? "active" : "inactive";
}

std::string_view TypeOf(const BeneficiaryState& s) {
  switch (s.details().type()) {
    case types::v1::ENTITY_TYPE_BUSINESS:
      return "business";
    case types::v1::ENTITY_TYPE_PERSONAL:
      return "personal";
    default:
      return "";
  }
}

std::string_view ScreeningOf(const BeneficiaryState& s) {
  switch (s.screening().status()) {
    case types::v1::SCREENING_STATUS_CLEAR:
      return "clear";
    case types::v1::SCREENING_STATUS_BLOCKED:
      return "blocked";
    default:
      return "pending";
  }
}

void AppendAddress(Definitive& w, const BeneficiaryState& s) {
  if (!s.has_address()) {
    w.Raw("null");
    return;
  }
  const types::v1::Address& a = s.address();
  w.Raw(R"({"address_line_1":)");
  w.TextOrNull(a.address_line_1());
  w.Raw(R"(,"street_name":)");
  w.TextOrNull(a.street_name());
  w.Raw(R"(,"building_number":)");
  w.TextOrNull(a.building_number());
  w.Raw(R"(,"floor":)");
  w.TextOrNull(a.floor());
  w.Raw(R"(,"apartment_office_number":)");
  w.TextOrNull(a.apartment_office_number());
  w.Raw(R"(,"city":)");
  w.TextOrNull(a.city());
  w.Raw(R"(,"state_region":)");
  w.TextOrNull(a.state_region());
  w.Raw(R"(,"post_code":)");
  w.TextOrNull(a.post_code());
  w.Raw(R"(,"country_code":)");
  w.TextOrNull(a.country_code());
  w.Raw("}");
}

void AppendAccount(Definitive& w, const BankAccount& a) {
  w.Raw(R"({"id":)");
  w.Text(a.id());
  w.Raw(R"(,"account_holder":)");
  w.TextOrNull(a.account_holder());
  w.Raw(R"(,"currency":)");
  w.TextOrNull(a.currency());
  w.Raw(R"(,"iban":)");
  w.TextOrNull(a.iban());
  w.Raw(R"(,"account_number":)");
  w.TextOrNull(a.account_number());
  w.Raw(R"(,"bank_identifier":)");
  w.TextOrNull(a.bank_identifier());
  w.Raw(R"(,"bank_identifier_type":)");
  w.TextOrNull(a.bank_identifier_type());
  w.Raw(R"(,"swift_code":)");
  w.TextOrNull(a.swift_code());
  w.Raw(R"(,"bank":{"name":)");
  w.TextOrNull(a.bank().name());
  w.Raw(R"(,"country_code":)");
  w.TextOrNull(a.bank().country_code());
  w.Raw(R"(,"address_line_1":)");
  w.TextOrNull(a.bank().address_line_1());
  if (a.correspondent_swift_code().empty() && a.correspondent_account().empty()) {
    w.Raw(R"(},"correspondent":null)");
  } else {
    w.Raw(R"(},"correspondent":{"swift_code":)");
    w.TextOrNull(a.correspondent_swift_code());
    w.Raw(R"(,"account_number":)");
    w.TextOrNull(a.correspondent_account());
    w.Raw("}");
  }
  w.Raw(R"(,"default":)");
  w.Bool(a.is_default());
  w.Raw(a.active() ? R"(,"status":"active"})" : R"(,"status":"inactive"})");
}

void AppendRegulatory(Definitive& w, const BeneficiaryState& s) {
  if (!s.has_regulatory()) {
    w.Raw("null");
    return;
  }
  const types::v1::Regulatory& r = s.regulatory();
  w.Raw(R"({"inn":)");
  w.TextOrNull(r.inn());
  w.Raw(R"(,"kpp":)");
  w.TextOrNull(r.kpp());
  w.Raw(R"(,"kio":)");
  w.TextOrNull(r.kio());
  w.Raw(R"(,"kbk":)");
  w.TextOrNull(r.kbk());
  w.Raw(R"(,"vo":)");
  w.TextOrNull(r.vo());
  w.Raw(R"(,"russian_central_bank_account":)");
  w.TextOrNull(r.russian_central_bank_account());
  w.Raw("}");
}

void AppendScreeningOriginAndTimes(Definitive& w, const BeneficiaryState& s) {
  w.Raw(R"(,"screening":{"status":)");
  w.Text(ScreeningOf(s));
  w.Raw(R"(,"checked_at":)");
  if (s.screening().has_checked_at_us()) {
    w.Time(s.screening().checked_at_us());
  } else {
    w.Raw("null");
  }
  w.Raw(R"(},"origin":{"system":)");
  w.TextOrNull(s.origin().system());
  w.Raw(R"(,"instance":)");
  w.TextOrNull(s.origin().instance());
  w.Raw(R"(,"id":)");
  w.TextOrNull(s.origin().id());
  w.Raw(R"(},"created_at":)");
  w.Time(s.created_at_us());
  w.Raw(R"(,"updated_at":)");
  w.Time(s.updated_at_us());
}

void AppendCompatAccount(Compat& w, const BeneficiaryState& s, const BankAccount& a) {
  w.Raw(R"({"account_id":)");
  w.Text(a.legacy_id().empty() ? a.id() : a.legacy_id());
  w.Raw(R"(,"account_number":)");
  w.Text(a.account_number());
  w.Raw(R"(,"iban":)");
  w.Text(a.iban());
  w.Raw(R"(,"swift_code":)");
  w.Text(a.swift_code());
  w.Raw(R"(,"bank_identifier":)");
  w.Text(a.bank_identifier());
  w.Raw(R"(,"bank_name":)");
  w.Text(a.bank().name());
  w.Raw(R"(,"bank_address_line_1":)");
  w.Text(a.bank().address_line_1());
  w.Raw(R"(,"bank_country_code":)");
  w.Text(a.bank().country_code());
  w.Raw(R"(,"bank_currency_code":)");
  w.Text(a.currency());
  w.Raw(R"(,"correspondent_account":)");
  w.Text(a.correspondent_account());
  w.Raw(R"(,"correspondent_swift_code":)");
  w.Text(a.correspondent_swift_code());
  w.Raw(R"(,"reference_information":)");
  w.Text(s.details().reference_information());
  w.Raw(R"(,"reason_for_trade":)");
  w.Text(s.details().reason_for_trade());
  const types::v1::Regulatory& r = s.regulatory();
  w.Raw(R"(,"inn":)");
  w.Text(r.inn());
  w.Raw(R"(,"kbk":)");
  w.Text(r.kbk());
  w.Raw(R"(,"kio":)");
  w.Text(r.kio());
  w.Raw(R"(,"kpp":)");
  w.Text(r.kpp());
  w.Raw(R"(,"vo":)");
  w.Text(r.vo());
  w.Raw(R"(,"russian_central_bank_account":)");
  w.Text(r.russian_central_bank_account());
  w.Raw("}");
}

void AppendCompatAddress(Compat& w, const types::v1::Address& a) {
  w.Raw(R"(,"address_line_1":)");
  w.Text(a.address_line_1());
  w.Raw(R"(,"street_name":)");
  w.Text(a.street_name());
  w.Raw(R"(,"building_number":)");
  w.Text(a.building_number());
  w.Raw(R"(,"floor":)");
  w.Text(a.floor());
  w.Raw(R"(,"apartment_office_number":)");
  w.Text(a.apartment_office_number());
  w.Raw(R"(,"city":)");
  w.Text(a.city());
  w.Raw(R"(,"state_region":)");
  w.Text(a.state_region());
  w.Raw(R"(,"post_code":)");
  w.Text(a.post_code());
  w.Raw(R"(,"country_code":)");
  w.Text(a.country_code());
}

}  // namespace

void AppendDefinitiveJson(const BeneficiaryState& s, daybook::Revision revision, std::string& out) {
  Definitive w(out);
  w.Raw(R"({"id":)");
  w.Text(s.id());
  w.Raw(R"(,"client_id":)");
  w.Text(s.client_id());
  w.Raw(R"(,"version":)");
  w.Number(revision.value());
  w.Raw(R"(,"status":)");
  w.Text(StatusText(s));
  w.Raw(R"(,"type":)");
  w.TextOrNull(TypeOf(s));
  w.Raw(R"(,"name":)");
  w.Text(s.details().name());
  w.Raw(R"(,"aliases":)");
  AppendTexts(w, s.aliases(), [](const types::v1::Alias& a) -> const std::string& { return a.alias(); });
  w.Raw(R"(,"email_addresses":)");
  AppendTexts(w, s.emails(), [](const types::v1::Email& e) -> const std::string& { return e.email(); });
  w.Raw(R"(,"email_notification":)");
  w.Bool(s.details().email_notification());
  w.Raw(R"(,"address":)");
  AppendAddress(w, s);
  w.Raw(R"(,"bank_accounts":[)");
  for (int i = 0; i < s.bank_accounts_size(); ++i) {
    if (i > 0) w.Raw(",");
    AppendAccount(w, s.bank_accounts(i));
  }
  w.Raw(R"(],"reference_information":)");
  w.TextOrNull(s.details().reference_information());
  w.Raw(R"(,"reason_for_trade":)");
  w.TextOrNull(s.details().reason_for_trade());
  w.Raw(R"(,"purpose_code":)");
  w.TextOrNull(s.details().purpose_code());
  w.Raw(R"(,"regulatory":)");
  AppendRegulatory(w, s);
  AppendScreeningOriginAndTimes(w, s);
  w.Raw("}");
}

void AppendCompatJson(const BeneficiaryState& s, std::string& out) {
  Compat w(out);
  w.Raw(R"({"beneficiary_id":)");
  w.Text(s.origin().id().empty() ? s.id() : s.origin().id());
  w.Raw(R"(,"client_id":)");
  w.Text(s.client_id());
  w.Raw(R"(,"name":)");
  w.Text(s.details().name());
  w.Raw(R"(,"aliases":)");
  AppendTexts(w, s.aliases(), [](const types::v1::Alias& a) -> const std::string& { return a.alias(); });
  w.Raw(R"(,"email_addresses":)");
  AppendTexts(w, s.emails(), [](const types::v1::Email& e) -> const std::string& { return e.email(); });
  w.Raw(R"(,"email_notification":)");
  w.Bool(s.details().email_notification());
  w.Raw(R"(,"active":)");
  w.Bool(s.active());
  AppendCompatAddress(w, s.address());
  w.Raw(R"(,"bank_accounts":[)");
  bool first = true;
  for (const BankAccount& account : s.bank_accounts()) {
    if (!account.active()) continue;
    if (!first) w.Raw(",");
    first = false;
    AppendCompatAccount(w, s, account);
  }
  w.Raw("]}");
}

void AppendJsonString(std::string_view text, LineSeparators separators, std::string& out) {
  if (separators == LineSeparators::kEscaped) {
    Compat(out).Text(text);
  } else {
    Definitive(out).Text(text);
  }
}

}  // namespace beneficiary
