// SyncFromBos and ForgetFromBos: the three-way difference between the last image from BOS, the new one, and the state.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/internal/fields.h"
#include "beneficiary/domain/internal/lists.h"

namespace beneficiary {

namespace {

using State = Beneficiary::State;
using Event = Beneficiary::Event;
using types::v1::BankAccount;
using types::v1::BosImage;

struct ThreeWay {
  const BosImage& base;    // the last image
  const BosImage& theirs;  // the new one
  const State& ours;
  std::int64_t updated_at_us;  // of the beneficiary after the sync
};

template <class Message>
bool SameBytes(const Message& a, const Message& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

void MergeClient(const ThreeWay& w, std::vector<Event>& out) {
  if (w.theirs.client_id() == w.base.client_id() || w.theirs.client_id() == w.ours.client_id()) return;
  events::v1::MovedToClient e;
  e.set_client_id(w.theirs.client_id());
  e.set_previous_client_id(w.ours.client_id());
  e.set_updated_at_us(w.updated_at_us);
  out.emplace_back(std::move(e));
}

void MergeDetails(const ThreeWay& w, std::vector<Event>& out) {
  events::v1::DetailsAmended e;
  *e.mutable_details() = w.ours.details();
  internal::MergeChanged(w.base.details(), w.theirs.details(), *e.mutable_details());
  const std::vector<std::string> changed = internal::ChangedFields(w.ours.details(), e.details());
  if (changed.empty()) return;
  e.mutable_changed()->Add(changed.begin(), changed.end());
  e.set_updated_at_us(w.updated_at_us);
  out.emplace_back(std::move(e));
}

// A part that may be absent (nullptr): merged field by field where all three have it, else BOS's change is taken whole.
template <class Part>
std::optional<Part> MergePart(const Part* base, const Part* theirs, const Part* ours) {
  const bool same_at_bos =
      (base == nullptr) == (theirs == nullptr) && (base == nullptr || internal::ChangedFields(*base, *theirs).empty());
  if (same_at_bos) return ours == nullptr ? std::nullopt : std::optional<Part>(*ours);
  if (theirs == nullptr) return std::nullopt;
  if (base == nullptr || ours == nullptr) return *theirs;
  Part merged = *ours;
  internal::MergeChanged(*base, *theirs, merged);
  return merged;
}

// The names of what changes between two parts; nullopt if nothing does.
template <class Part>
std::optional<std::vector<std::string>> PartChanges(const Part* before, const std::optional<Part>& after) {
  const Part none;
  std::vector<std::string> changed =
      internal::ChangedFields(before == nullptr ? none : *before, after.has_value() ? *after : none);
  if (changed.empty() && (before != nullptr) == after.has_value()) return std::nullopt;
  return changed;
}

void MergeAddress(const ThreeWay& w, std::vector<Event>& out) {
  const auto* ours = w.ours.has_address() ? &w.ours.address() : nullptr;
  const auto merged = MergePart(w.base.has_address() ? &w.base.address() : nullptr,
                                w.theirs.has_address() ? &w.theirs.address() : nullptr, ours);
  const auto changed = PartChanges(ours, merged);
  if (!changed.has_value()) return;
  events::v1::AddressChanged e;
  if (merged.has_value()) *e.mutable_address() = *merged;
  e.mutable_changed()->Add(changed->begin(), changed->end());
  out.emplace_back(std::move(e));
}

void MergeRegulatory(const ThreeWay& w, std::vector<Event>& out) {
  const auto* ours = w.ours.has_regulatory() ? &w.ours.regulatory() : nullptr;
  const auto merged = MergePart(w.base.has_regulatory() ? &w.base.regulatory() : nullptr,
                                w.theirs.has_regulatory() ? &w.theirs.regulatory() : nullptr, ours);
  const auto changed = PartChanges(ours, merged);
  if (!changed.has_value()) return;
  events::v1::RegulatoryDetailsChanged e;
  if (merged.has_value()) *e.mutable_regulatory() = *merged;
  e.mutable_changed()->Add(changed->begin(), changed->end());
  out.emplace_back(std::move(e));
}

const std::string& TextOf(const types::v1::Alias& row) { return row.alias(); }
const std::string& TextOf(const types::v1::Email& row) { return row.email(); }

template <class Row>
using Rows = google::protobuf::RepeatedPtrField<Row>;

template <class Row>
struct RowChanges {
  std::vector<Row> removed;  // rows of ours
  std::vector<Row> added;    // rows of theirs
};

// Aliases and e-mails: a row is known by its legacy id, and a row added here by its text.
template <class Row>
class RowMerge {
 public:
  RowMerge(const Rows<Row>& base, const Rows<Row>& theirs, const Rows<Row>& ours)
      : base_(base), theirs_(theirs), ours_(ours.begin(), ours.end()) {}

  RowChanges<Row> Run() {
    const auto base_by_id = ById(base_);
    const auto theirs_by_id = ById(theirs_);
    for (const Row& row : base_) {
      if (!Untouched(row, theirs_by_id)) RemoveGone(row);
    }
    for (const Row& row : theirs_) {
      if (!Untouched(row, base_by_id)) Add(row);
    }
    return std::move(changes_);
  }

 private:
  using Index = std::unordered_map<std::string_view, const Row*>;

  static Index ById(const Rows<Row>& rows) {
    Index out;
    for (const Row& row : rows) out.emplace(row.legacy_id(), &row);
    return out;
  }

  static bool Untouched(const Row& row, const Index& other) {
    const auto it = other.find(row.legacy_id());
    return it != other.end() && TextOf(*it->second) == TextOf(row);
  }

  // True if ours had such a row.
  bool RemoveOurs(std::string_view text, std::string_view legacy_id) {
    const auto it = std::find_if(ours_.begin(), ours_.end(),
                                 [&](const Row& row) { return TextOf(row) == text && row.legacy_id() == legacy_id; });
    if (it == ours_.end()) return false;
    changes_.removed.push_back(*it);
    ours_.erase(it);
    return true;
  }

  // What BOS deleted goes, also if it was removed here and added again since.
  void RemoveGone(const Row& row) {
    if (RemoveOurs(TextOf(row), row.legacy_id())) return;
    const bool still_at_bos =
        std::any_of(theirs_.begin(), theirs_.end(), [&](const Row& other) { return TextOf(other) == TextOf(row); });
    if (!still_at_bos) RemoveOurs(TextOf(row), "");
  }

  // The same text added here and at BOS is one row: it moves to its place among the legacy ones.
  void Add(const Row& row) {
    RemoveOurs(TextOf(row), "");
    changes_.added.push_back(row);
  }

  const Rows<Row>& base_;
  const Rows<Row>& theirs_;
  std::vector<Row> ours_;
  RowChanges<Row> changes_;
};

void MergeEmails(const ThreeWay& w, std::vector<Event>& out) {
  const auto changes = RowMerge(w.base.emails(), w.theirs.emails(), w.ours.emails()).Run();
  if (changes.removed.empty() && changes.added.empty()) return;
  events::v1::EmailAddressesChanged e;
  *e.mutable_emails() = w.ours.emails();
  for (const types::v1::Email& row : changes.removed) {
    auto* emails = e.mutable_emails();
    emails->erase(std::find_if(emails->begin(), emails->end(), [&](const types::v1::Email& other) {
      return other.email() == row.email() && other.legacy_id() == row.legacy_id();
    }));
  }
  for (const types::v1::Email& row : changes.added) internal::InsertInOrder(*e.mutable_emails(), row);
  out.emplace_back(std::move(e));
}

void MergeAliases(const ThreeWay& w, std::vector<Event>& out) {
  const auto changes = RowMerge(w.base.aliases(), w.theirs.aliases(), w.ours.aliases()).Run();
  for (const types::v1::Alias& row : changes.removed) {
    events::v1::AliasRemoved e;
    *e.mutable_alias() = row;
    out.emplace_back(std::move(e));
  }
  for (const types::v1::Alias& row : changes.added) {
    events::v1::AliasAdded e;
    *e.mutable_alias() = row;
    out.emplace_back(std::move(e));
  }
}

const BankAccount* Find(const Rows<BankAccount>& accounts, std::string_view id) {
  for (const BankAccount& account : accounts) {
    if (account.id() == id) return &account;
  }
  return nullptr;
}

Event Amended(const BankAccount& account, const std::vector<std::string>& changed) {
  events::v1::BankAccountAmended e;
  *e.mutable_bank_account() = account;
  e.mutable_changed()->Add(changed.begin(), changed.end());
  return e;
}

void MergeAccounts(const ThreeWay& w, std::vector<Event>& out) {
  std::vector<Event> amended;
  std::vector<Event> added;
  for (const BankAccount& base : w.base.bank_accounts()) {
    if (Find(w.theirs.bank_accounts(), base.id()) != nullptr) continue;
    if (Find(w.ours.bank_accounts(), base.id()) == nullptr) continue;
    events::v1::BankAccountRemoved e;
    e.set_account_id(base.id());
    out.emplace_back(std::move(e));
  }
  for (const BankAccount& theirs : w.theirs.bank_accounts()) {
    const BankAccount* base = Find(w.base.bank_accounts(), theirs.id());
    const BankAccount* ours = Find(w.ours.bank_accounts(), theirs.id());
    if (ours == nullptr) {
      if (base != nullptr && !internal::OwnRowDiffers(*base, theirs)) continue;  // removed here, untouched there
      events::v1::BankAccountAdded e;
      *e.mutable_bank_account() = theirs;
      added.emplace_back(std::move(e));
      continue;
    }
    BankAccount merged = *ours;
    if (base == nullptr) {
      merged = theirs;
    } else {
      internal::MergeChanged(*base, theirs, merged);
    }
    const std::vector<std::string> changed = internal::ChangedFields(*ours, merged);
    if (!changed.empty()) amended.push_back(Amended(merged, changed));
  }
  std::move(amended.begin(), amended.end(), std::back_inserter(out));
  std::move(added.begin(), added.end(), std::back_inserter(out));
}

template <class E>
Event AtTime(std::int64_t updated_at_us) {
  E e;
  e.set_updated_at_us(updated_at_us);
  return e;
}

void MergeFlags(const ThreeWay& w, std::vector<Event>& out) {
  if (w.theirs.screening_status() != w.base.screening_status() &&
      w.theirs.screening_status() != w.ours.screening().status()) {
    events::v1::ScreeningResultRecorded e;
    *e.mutable_screening() = w.ours.screening();
    e.mutable_screening()->set_status(w.theirs.screening_status());
    e.set_updated_at_us(w.updated_at_us);
    out.emplace_back(std::move(e));
  }
  if (w.theirs.active() != w.base.active() && w.theirs.active() != w.ours.active()) {
    if (w.theirs.active()) {
      out.push_back(AtTime<events::v1::BeneficiaryActivated>(w.updated_at_us));
    } else {
      events::v1::BeneficiaryDeactivated e;
      e.set_reason("BOS");
      e.set_updated_at_us(w.updated_at_us);
      out.emplace_back(std::move(e));
    }
  }
  if (w.theirs.deleted() != w.base.deleted() && w.theirs.deleted() != w.ours.removed()) {
    out.push_back(w.theirs.deleted() ? AtTime<events::v1::BeneficiaryRemoved>(w.updated_at_us)
                                     : AtTime<events::v1::BeneficiaryRestored>(w.updated_at_us));
  }
}

Event Synced(const BosImage& image, std::int64_t updated_at_us) {
  events::v1::SyncedFromBos e;
  *e.mutable_image() = image;
  e.set_updated_at_us(updated_at_us);
  return e;
}

events::v1::BeneficiaryRegistered RegisteredFrom(const commands::v1::SyncFromBos& c, std::string_view id) {
  const BosImage& image = c.image();
  events::v1::BeneficiaryRegistered e;
  e.set_id(std::string(id));
  e.set_client_id(image.client_id());
  *e.mutable_details() = image.details();
  if (image.has_address()) *e.mutable_address() = image.address();
  *e.mutable_aliases() = image.aliases();
  *e.mutable_emails() = image.emails();
  *e.mutable_bank_accounts() = image.bank_accounts();
  if (image.has_regulatory()) *e.mutable_regulatory() = image.regulatory();
  e.mutable_screening()->set_status(image.screening_status());
  e.set_active(image.active());
  e.set_removed(image.deleted());
  e.mutable_origin()->set_system("bos");
  e.mutable_origin()->set_instance(c.instance());
  e.mutable_origin()->set_id(c.legacy_id());
  e.set_created_at_us(image.created_at_us());
  e.set_updated_at_us(image.updated_at_us());
  return e;
}

}  // namespace

Beneficiary::Decision Beneficiary::Decide(const State& s, const commands::v1::SyncFromBos& c, const Context& context) {
  const BosImage& image = c.image();
  if (s.lifecycle() != State::LIFECYCLE_REGISTERED) {
    return Decision({RegisteredFrom(c, context.stream.key()), Synced(image, image.updated_at_us())});
  }
  if (s.has_bos_image() && SameBytes(s.bos_image(), image)) return daybook::Unchanged{};
  const bool row_touched = image.updated_at_us() != s.bos_image().updated_at_us();
  const ThreeWay w{s.bos_image(), image, s, row_touched ? image.updated_at_us() : s.updated_at_us()};
  std::vector<Event> out;
  MergeClient(w, out);
  MergeDetails(w, out);
  MergeAddress(w, out);
  MergeEmails(w, out);
  MergeAliases(w, out);
  MergeAccounts(w, out);
  MergeRegulatory(w, out);
  MergeFlags(w, out);
  out.push_back(Synced(image, w.updated_at_us));
  return Decision(std::move(out));
}

Beneficiary::Decision Beneficiary::Decide(const State& s, const commands::v1::ForgetFromBos&, const Context&) {
  if (s.lifecycle() != State::LIFECYCLE_REGISTERED) return daybook::Unchanged{};
  return daybook::Emit(events::v1::BeneficiaryPurged());
}

}  // namespace beneficiary
