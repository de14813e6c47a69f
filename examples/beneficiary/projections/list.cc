#include "beneficiary/projections/list.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "beneficiary/projections/internal/text.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/hash.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace {

using daybook::AppendLengthPrefixed;
using daybook::ConsumeLengthPrefixed;
using State = state::v1::BeneficiaryState;
using Status = ListFilter::Status;

constexpr char kListed = 'b';   // client, id -> B; active and inactive ones
constexpr char kRemoved = 'd';  // client, id -> B; soft-deleted ones
constexpr char kFilters = 'h';  // client, id -> what the filters look at
constexpr char kCursorFormat = 1;
constexpr std::size_t kCursorFixedSize = 1 + 8;
constexpr std::size_t kIdBytesMax = 255;

std::string ClientPrefix(char kind, std::string_view client_id) {
  std::string out(1, kind);
  AppendLengthPrefixed(out, client_id);
  return out;
}

Status FilterStatus(const State& s) {
  if (s.removed()) return Status::kDeleted;
  return s.active() ? Status::kActive : Status::kInactive;
}

// What the filters look at: status, instance, accounts, search forms of name and aliases.
std::string EncodeFilters(const State& s) {
  std::string out(1, static_cast<char>(FilterStatus(s)));
  AppendLengthPrefixed(out, s.origin().instance());
  daybook::AppendVarint(out, static_cast<std::uint64_t>(s.bank_accounts_size()));
  for (const types::v1::BankAccount& account : s.bank_accounts()) {
    AppendLengthPrefixed(out, internal::UpperAscii(account.currency()));
    AppendLengthPrefixed(out, internal::UpperAscii(account.bank().country_code()));
    AppendLengthPrefixed(out, account.iban());
  }
  const auto append_forms = [&out](std::string_view text) {
    const std::vector<std::string> forms = internal::SearchForms(text);
    daybook::AppendVarint(out, forms.size());
    for (const std::string& form : forms) AppendLengthPrefixed(out, form);
  };
  append_forms(s.details().name());
  for (const types::v1::Alias& alias : s.aliases()) append_forms(alias.alias());
  return out;
}

// The filter with its values brought into the form in which they are compared.
struct Wanted {
  explicit Wanted(const ListFilter& f) : status(f.status), instance(f.instance) {
    if (f.currency) currency = internal::UpperAscii(*f.currency);
    if (f.bank_country) bank_country = internal::UpperAscii(*f.bank_country);
    if (f.iban) iban = internal::NormaliseIban(*f.iban);
    if (f.q && !f.q->empty()) q = internal::SearchForms(*f.q);
    if (instance && *instance == "daybook") instance->clear();
  }

  // True if the plain range of listed rows is the answer.
  bool Everything() const { return !status && !instance && !currency && !bank_country && !iban && q.empty(); }

  // nullopt: the row is damaged.
  std::optional<bool> Matches(std::string_view row) const;

  std::optional<Status> status;
  std::optional<std::string> instance;
  std::optional<std::string> currency;
  std::optional<std::string> bank_country;
  std::optional<std::string> iban;
  std::vector<std::string> q;

 private:
  // nullopt as Matches. Consumes the accounts.
  std::optional<bool> AccountsMatch(std::string_view& row) const;
  std::optional<bool> TextsMatch(std::string_view row) const;
};

std::optional<bool> Wanted::AccountsMatch(std::string_view& row) const {
  std::uint64_t count = 0;
  if (!daybook::ConsumeVarint(row, count)) return std::nullopt;
  bool currency_found = !currency;
  bool country_found = !bank_country;
  bool iban_found = !iban;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view of_currency, of_country, of_iban;
    if (!ConsumeLengthPrefixed(row, of_currency) || !ConsumeLengthPrefixed(row, of_country) ||
        !ConsumeLengthPrefixed(row, of_iban)) {
      return std::nullopt;
    }
    currency_found = currency_found || of_currency == *currency;
    country_found = country_found || of_country == *bank_country;
    iban_found = iban_found || of_iban == *iban;
  }
  return currency_found && country_found && iban_found;
}

std::optional<bool> Wanted::TextsMatch(std::string_view row) const {
  if (q.empty()) return true;
  std::vector<std::string_view> forms;
  while (!row.empty()) {
    std::uint64_t count = 0;
    if (!daybook::ConsumeVarint(row, count) || count > 2) return std::nullopt;
    forms.resize(count);
    for (std::string_view& form : forms) {
      if (!ConsumeLengthPrefixed(row, form)) return std::nullopt;
    }
    if (internal::StartsWithFolded(forms, q)) return true;
  }
  return false;
}

std::optional<bool> Wanted::Matches(std::string_view row) const {
  if (row.empty()) return std::nullopt;
  const auto row_status = static_cast<Status>(row.front());
  row.remove_prefix(1);
  if (status ? row_status != *status : row_status == Status::kDeleted) return false;
  std::string_view row_instance;
  if (!ConsumeLengthPrefixed(row, row_instance)) return std::nullopt;
  if (instance && row_instance != *instance) return false;
  const std::optional<bool> accounts = AccountsMatch(row);
  if (!accounts || !*accounts) return accounts;
  return TextsMatch(row);
}

// Binds a cursor to the filters that it was made with.
std::uint64_t FilterHash(const ListFilter& filter, const Wanted& wanted) {
  std::string bytes;
  AppendLengthPrefixed(bytes, filter.client_id);
  bytes.push_back(wanted.status ? static_cast<char>('0' + static_cast<int>(*wanted.status)) : '-');
  for (const auto* value : {&wanted.instance, &wanted.currency, &wanted.bank_country, &wanted.iban}) {
    bytes.push_back(*value ? '+' : '-');
    if (*value) AppendLengthPrefixed(bytes, **value);
  }
  for (const std::string& form : wanted.q) AppendLengthPrefixed(bytes, form);
  return daybook::Hash64(bytes);
}

std::string EncodeCursor(std::uint64_t hash, std::string_view last_id) {
  std::string bytes(1, kCursorFormat);
  daybook::AppendBigEndian64(bytes, hash);
  bytes.append(last_id);
  return internal::EncodeBase64Url(bytes);
}

// The id after which the page starts; "" = from the start.
absl::StatusOr<std::string> DecodeCursor(std::string_view cursor, std::uint64_t hash) {
  if (cursor.empty()) return std::string();
  const std::optional<std::string> bytes = internal::DecodeBase64Url(cursor);
  if (!bytes || bytes->size() <= kCursorFixedSize || bytes->size() > kCursorFixedSize + kIdBytesMax ||
      bytes->front() != kCursorFormat) {
    return daybook::WithReason(absl::InvalidArgumentError("the cursor is none that a page gave"), "CURSOR_MALFORMED");
  }
  if (daybook::ReadBigEndian64(bytes->data() + 1) != hash) {
    return daybook::WithReason(
        absl::InvalidArgumentError("the cursor belongs to a list with other filters; start without one"),
        "CURSOR_OF_OTHER_FILTERS");
  }
  return bytes->substr(kCursorFixedSize);
}

// Collects one page of rows.
class PageWriter {
 public:
  PageWriter(std::size_t limit, std::string& out) : limit_(limit), out_(out) {}

  // False: the page is full, and there is more.
  bool Admit(std::string_view id) {
    if (items_ == limit_) return false;
    if (items_ > 0) out_.push_back(',');
    ++items_;
    last_id_ = id;
    return true;
  }
  void Append(std::string_view json) { out_.append(json); }
  std::string& out() { return out_; }
  std::size_t items() const { return items_; }
  const std::string& last_id() const { return last_id_; }

 private:
  const std::size_t limit_;
  std::string& out_;
  std::size_t items_ = 0;
  std::string last_id_;
};

using daybook::projection::ReadModel;

// Each of these two gives true if there is more behind the page.
absl::StatusOr<bool> WriteAll(const ReadModel& model, std::string_view client_id, std::string_view after, char kind,
                              PageWriter& page) {
  const std::string prefix = ClientPrefix(kind, client_id);
  const std::string begin = after.empty() ? prefix : absl::StrCat(prefix, daybook::ToAbsl(after), std::string(1, '\0'));
  const auto cursor = model.Scan(begin, daybook::store::PrefixEnd(prefix));
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return false;
    if (!page.Admit(cursor->key().substr(prefix.size()))) return true;
    page.Append(cursor->value());
  }
}

absl::StatusOr<bool> WriteMatching(const ReadModel& model, const ListFilter& filter, const Wanted& wanted,
                                   std::string_view after, PageWriter& page) {
  const std::string prefix = ClientPrefix(kFilters, filter.client_id);
  const std::string begin = after.empty() ? prefix : absl::StrCat(prefix, daybook::ToAbsl(after), std::string(1, '\0'));
  std::string row_key = ClientPrefix(wanted.status == Status::kDeleted ? kRemoved : kListed, filter.client_id);
  const std::size_t row_prefix_size = row_key.size();
  const auto cursor = model.Scan(begin, daybook::store::PrefixEnd(prefix));
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return false;
    const std::string_view id = cursor->key().substr(prefix.size());
    const std::optional<bool> matches = wanted.Matches(cursor->value());
    row_key.resize(row_prefix_size);
    row_key.append(id);
    if (!matches)
      return absl::DataLossError(absl::StrCat("list.v1: the filter row of ", daybook::ToAbsl(id), " is damaged"));
    if (!*matches) continue;
    if (!page.Admit(id)) return true;
    DAYBOOK_ASSIGN_OR_RETURN(const bool found, model.AppendTo(row_key, page.out()));
    if (!found) return absl::DataLossError(absl::StrCat("list.v1: the row of ", daybook::ToAbsl(id), " is missing"));
  }
}

}  // namespace

void ListProjection::On(const daybook::projection::Folded<State>& folded, daybook::ViewWriter& out) {
  const State& s = folded.state;
  const std::string_view id = folded.stream.key();
  std::string row_key;
  if (s.lifecycle() == State::LIFECYCLE_REGISTERED) {
    row_key = ClientPrefix(s.removed() ? kRemoved : kListed, s.client_id()).append(id);
  }
  if (!folded.memo.empty() && folded.memo != row_key) {
    out.Delete(folded.memo);
    folded.memo[0] = kFilters;
    out.Delete(folded.memo);
  }
  folded.memo = row_key;
  if (row_key.empty()) return;
  std::string json;
  json.reserve(2048);
  AppendDefinitiveJson(s, folded.revision, json);
  out.Put(row_key, json);
  row_key[0] = kFilters;
  out.Put(row_key, EncodeFilters(s));
}

void ListProjection::Trim(State& state) { state.clear_bos_image(); }

absl::StatusOr<ListPage> ListQuery::AppendItemsTo(const ListRequest& request, std::string& out) const {
  if (request.limit < 1 || request.limit > kLimitMax) {
    return daybook::WithReason(absl::InvalidArgumentError(absl::StrCat("limit is 1 to ", kLimitMax)),
                               "LIMIT_OUT_OF_RANGE");
  }
  const Wanted wanted(request.filter);
  const std::uint64_t hash = FilterHash(request.filter, wanted);
  DAYBOOK_ASSIGN_OR_RETURN(const std::string after, DecodeCursor(request.cursor, hash));
  const std::size_t size_before = out.size();
  PageWriter page(request.limit, out);
  const absl::StatusOr<bool> more = wanted.Everything()
                                        ? WriteAll(model_, request.filter.client_id, after, kListed, page)
                                        : WriteMatching(model_.Snapshot(), request.filter, wanted, after, page);
  if (!more.ok()) {
    out.resize(size_before);
    return more.status();
  }
  ListPage result;
  result.items = page.items();
  if (*more) result.next_cursor = EncodeCursor(hash, page.last_id());
  return result;
}

absl::StatusOr<ListPage> ListQuery::AppendTo(const ListRequest& request, std::string& out) const {
  const std::size_t size_before = out.size();
  out.append(R"({"items":[)");
  absl::StatusOr<ListPage> page = AppendItemsTo(request, out);
  if (!page.ok()) {
    out.resize(size_before);
    return page;
  }
  if (page->next_cursor.empty()) {
    out.append(R"(],"next_cursor":null})");
  } else {
    out.append(R"(],"next_cursor":")").append(page->next_cursor).append(R"("})");
  }
  return page;
}

}  // namespace beneficiary
