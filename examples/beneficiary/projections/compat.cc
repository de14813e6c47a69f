#include "beneficiary/projections/compat.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/projections/internal/compat_rows.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace {

using daybook::AppendLengthPrefixed;
using daybook::ConsumeLengthPrefixed;
using internal::CompatClient;
using State = state::v1::BeneficiaryState;
using ClientState = state::v1::ClientState;

enum OrderClass : char { kLegacyNumber = 1, kLegacyText = 2, kCreatedHere = 3 };

// Where a beneficiary stood in the rows after the last command; kept in its memo.
struct Place {
  std::string order;
  std::string instance;
  std::string client_id;
  std::vector<std::string> ibans;  // of active accounts, sorted, each once

  static std::optional<Place> Decode(std::string_view memo);
  std::string Encode() const;

  std::string RowKey() const { return internal::CompatRowPrefix(instance, client_id).append(order); }
  std::string IbanKey(std::string_view iban) const {
    return internal::CompatIbanPrefix(instance, client_id, iban).append(order);
  }
  bool SameRow(const Place& other) const {
    return order == other.order && instance == other.instance && client_id == other.client_id;
  }
};

std::string Place::Encode() const {
  std::string out;
  AppendLengthPrefixed(out, order);
  AppendLengthPrefixed(out, instance);
  AppendLengthPrefixed(out, client_id);
  for (const std::string& iban : ibans) AppendLengthPrefixed(out, iban);
  return out;
}

std::optional<Place> Place::Decode(std::string_view memo) {
  std::string_view order, instance, client_id, iban;
  if (!ConsumeLengthPrefixed(memo, order) || !ConsumeLengthPrefixed(memo, instance) ||
      !ConsumeLengthPrefixed(memo, client_id)) {
    return std::nullopt;
  }
  Place out{std::string(order), std::string(instance), std::string(client_id), {}};
  while (!memo.empty()) {
    if (!ConsumeLengthPrefixed(memo, iban)) return std::nullopt;
    out.ibans.emplace_back(iban);
  }
  return out;
}

std::string LegacyOrder(std::string_view id) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) {
    return std::string(1, kLegacyText).append(id);
  }
  std::string out(1, kLegacyNumber);
  daybook::AppendBigEndian64(out, static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63));
  return out;
}

// Where the beneficiary stands now. One that was created here keeps the order of its first command.
Place PlaceOf(const State& s, daybook::Position position, const std::optional<Place>& before) {
  Place out;
  out.client_id = s.client_id();
  if (s.origin().system() == "bos") {
    out.instance = s.origin().instance();
    out.order = LegacyOrder(s.origin().id());
  } else if (before && before->order.starts_with(kCreatedHere)) {
    out.order = before->order;
  } else {
    out.order.assign(1, kCreatedHere);
    daybook::AppendBigEndian64(out.order, position.value());
  }
  for (const types::v1::BankAccount& account : s.bank_accounts()) {
    if (account.active() && !account.iban().empty()) out.ibans.push_back(account.iban());
  }
  std::sort(out.ibans.begin(), out.ibans.end());
  out.ibans.erase(std::unique(out.ibans.begin(), out.ibans.end()), out.ibans.end());
  return out;
}

// Reads a client's counters, lets `change` change them, and writes them back.
template <class Change>
void UpdateClient(std::string_view instance, std::string_view client_id, daybook::Position position,
                  daybook::ViewWriter& out, Change change) {
  const std::string key = internal::CompatClientKey(instance, client_id);
  CompatClient client;
  if (const std::optional<std::string> row = out.Get(key)) {
    const std::optional<CompatClient> decoded = internal::DecodeCompatClient(*row);
    if (!decoded) return out.Fail("the counters of a client are damaged");
    client = *decoded;
  }
  change(client);
  client.changed = position;
  out.Put(key, internal::EncodeCompatClient(client));
}

void CountInstance(std::string_view instance, std::int64_t by, daybook::ViewWriter& out) {
  const std::string key = internal::CompatInstanceKey(instance);
  const std::optional<std::string> row = out.Get(key);
  if (row && row->size() != 8) return out.Fail("the count of an instance's clients is damaged");
  const std::uint64_t count = (row ? daybook::ReadBigEndian64(row->data()) : 0) + static_cast<std::uint64_t>(by);
  if (count == 0) return out.Delete(key);
  std::string value;
  daybook::AppendBigEndian64(value, count);
  out.Put(key, value);
}

void Hide(const Place& place, daybook::Position position, daybook::ViewWriter& out) {
  out.Delete(place.RowKey());
  for (const std::string& iban : place.ibans) out.Delete(place.IbanKey(iban));
  UpdateClient(place.instance, place.client_id, position, out, [](CompatClient& c) { --c.visible; });
}

// What a memo holds besides the place: whether the row is there. A hidden beneficiary created here keeps its order.
constexpr char kShown = '+';
constexpr char kHidden = '-';

}  // namespace

void CompatProjection::On(const daybook::projection::Folded<State>& folded, daybook::ViewWriter& out) {
  const State& s = folded.state;
  std::optional<Place> before;
  bool was_shown = false;
  if (!folded.memo.empty()) {
    was_shown = folded.memo.front() == kShown;
    before = Place::Decode(std::string_view(folded.memo).substr(1));
    if (!before) return out.Fail("the memo is damaged");
  }
  if (s.lifecycle() != State::LIFECYCLE_REGISTERED) {
    if (was_shown) Hide(*before, folded.position, out);
    folded.memo.clear();
    return;
  }

  const Place now = PlaceOf(s, folded.position, before);
  const bool shown = !s.removed();
  folded.memo = std::string(1, shown ? kShown : kHidden).append(now.Encode());
  const bool stays = was_shown && shown && now.SameRow(*before);
  if (was_shown && !stays) Hide(*before, folded.position, out);
  if (!shown) return;

  if (stays) {
    for (const std::string& iban : before->ibans) {
      if (!std::binary_search(now.ibans.begin(), now.ibans.end(), iban)) out.Delete(now.IbanKey(iban));
    }
  }
  for (const std::string& iban : now.ibans) {
    if (!stays || !std::binary_search(before->ibans.begin(), before->ibans.end(), iban)) out.Put(now.IbanKey(iban), "");
  }
  std::string element;
  element.reserve(2048);
  AppendCompatJson(s, element);
  out.Put(now.RowKey(), element);
  UpdateClient(now.instance, now.client_id, folded.position, out, [&](CompatClient& c) { c.visible += stays ? 0 : 1; });
}

void CompatProjection::On(const daybook::projection::Folded<ClientState>& folded, daybook::ViewWriter& out) {
  const ClientState& s = folded.state;
  std::string now;
  if (s.listed()) {
    AppendLengthPrefixed(now, s.instance());
    AppendLengthPrefixed(now, s.client_id());
  }
  if (now == folded.memo) return;
  if (!folded.memo.empty()) {
    std::string_view memo = folded.memo;
    std::string_view instance, client_id;
    if (!ConsumeLengthPrefixed(memo, instance) || !ConsumeLengthPrefixed(memo, client_id)) {
      return out.Fail("the memo is damaged");
    }
    UpdateClient(instance, client_id, folded.position, out, [](CompatClient& c) { --c.listings; });
    CountInstance(instance, -1, out);
  }
  if (s.listed()) {
    UpdateClient(s.instance(), s.client_id(), folded.position, out, [](CompatClient& c) { ++c.listings; });
    CountInstance(s.instance(), 1, out);
  }
  folded.memo = now;
}

void CompatProjection::Trim(State& state) { state.clear_bos_image(); }

}  // namespace beneficiary
