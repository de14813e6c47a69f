// Random histories at BOS and here, compared with an oracle that merges flat maps.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/identity.h"
#include "beneficiary/domain/tests/builders.h"
#include "beneficiary/domain/tests/random.h"

namespace beneficiary {
namespace {

using State = Beneficiary::State;
using types::v1::BosImage;

// ---- the oracle: a part is a map of fields, or absent

using Part = std::optional<std::map<std::string, std::string>>;

// Every field of a message by its path, defaults too, but for lists.
void Flatten(const google::protobuf::Message& m, const std::string& prefix, std::map<std::string, std::string>& out) {
  const auto* r = m.GetReflection();
  for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
    const auto* field = m.GetDescriptor()->field(i);
    const std::string name = prefix + field->name();
    if (field->is_repeated()) continue;
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
        out[name] = r->GetString(m, field);
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        out[name] = r->GetBool(m, field) ? "true" : "false";
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_ENUM:
        out[name] = std::to_string(r->GetEnumValue(m, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE:
        Flatten(r->GetMessage(m, field), name + ".", out);
        break;
      default:
        break;
    }
  }
}

Part Flat(const google::protobuf::Message& m) {
  std::map<std::string, std::string> out;
  Flatten(m, "", out);
  return out;
}

Part FlatIf(bool present, const google::protobuf::Message& m) { return present ? Flat(m) : std::nullopt; }

Part Merge(const Part& base, const Part& theirs, const Part& ours) {
  if (base == theirs) return ours;
  if (!theirs.has_value()) return std::nullopt;
  if (!base.has_value() || !ours.has_value()) return theirs;
  Part out = ours;
  for (const auto& [field, value] : *theirs) {
    if (base->at(field) != value) (*out)[field] = value;
  }
  return out;
}

// An account that is gone here comes back only for a change of its own row.
Part MergeAccount(const Part& base, const Part& theirs, const Part& ours) {
  if (base.has_value() && theirs.has_value() && !ours.has_value()) {
    const bool own = std::any_of(theirs->begin(), theirs->end(), [&](const auto& field) {
      return field.first.rfind("bank.", 0) != 0 && field.first != "swift_code" && base->at(field.first) != field.second;
    });
    if (!own) return std::nullopt;
  }
  return Merge(base, theirs, ours);
}

// What a reader sees, flat: parts by name, aliases and e-mails as text to legacy id.
struct View {
  std::map<std::string, Part> parts;
  std::map<std::string, Part> accounts;
  std::map<std::string, std::string> rows;  // "alias:a" -> legacy id

  friend bool operator==(const View&, const View&) = default;
};

template <class M>
void ViewLists(const M& m, View& out) {
  for (const auto& a : m.bank_accounts()) out.accounts[a.id()] = Flat(a);
  for (const auto& a : m.aliases()) out.rows["alias:" + a.alias()] = a.legacy_id();
  for (const auto& e : m.emails()) out.rows["email:" + e.email()] = e.legacy_id();
}

Part Flags(const std::string& client, bool active, bool removed, int screening) {
  return std::map<std::string, std::string>{{"client", client},
                                            {"active", active ? "1" : "0"},
                                            {"removed", removed ? "1" : "0"},
                                            {"screening", std::to_string(screening)}};
}

View ViewOf(const BosImage& i) {
  View out;
  out.parts["details"] = Flat(i.details());
  out.parts["address"] = FlatIf(i.has_address(), i.address());
  out.parts["regulatory"] = FlatIf(i.has_regulatory(), i.regulatory());
  out.parts["flags"] = Flags(i.client_id(), i.active(), i.deleted(), i.screening_status());
  ViewLists(i, out);
  return out;
}

View ViewOf(const State& s) {
  View out;
  out.parts["details"] = Flat(s.details());
  out.parts["address"] = FlatIf(s.has_address(), s.address());
  out.parts["regulatory"] = FlatIf(s.has_regulatory(), s.regulatory());
  out.parts["flags"] = Flags(s.client_id(), s.active(), s.removed(), s.screening().status());
  ViewLists(s, out);
  return out;
}

template <class Map, class MergeOne>
Map MergeMaps(const Map& base, const Map& theirs, const Map& ours, MergeOne merge) {
  std::set<std::string> keys;
  for (const Map* m : {&base, &theirs, &ours}) {
    for (const auto& [key, value] : *m) keys.insert(key);
  }
  const auto at = [](const Map& m, const std::string& key) {
    const auto it = m.find(key);
    return it == m.end() ? std::nullopt : std::optional<typename Map::mapped_type>(it->second);
  };
  Map out;
  for (const std::string& key : keys) {
    const auto merged = merge(at(base, key), at(theirs, key), at(ours, key));
    if (merged.has_value()) out[key] = *merged;
  }
  return out;
}

View Expected(const View& base, const View& theirs, const View& ours) {
  View out;
  for (const auto& [name, part] : ours.parts) out.parts[name] = Merge(base.parts.at(name), theirs.parts.at(name), part);
  using MaybePart = std::optional<Part>;
  const auto flat = [](const MaybePart& p) { return p.has_value() ? *p : std::nullopt; };
  out.accounts = MergeMaps(base.accounts, theirs.accounts, ours.accounts,
                           [&](const MaybePart& b, const MaybePart& t, const MaybePart& o) {
                             const Part merged = MergeAccount(flat(b), flat(t), flat(o));
                             return merged.has_value() ? MaybePart(merged) : std::nullopt;
                           });
  using MaybeId = std::optional<std::string>;
  out.rows = MergeMaps(base.rows, theirs.rows, ours.rows,
                       [](const MaybeId& b, const MaybeId& t, const MaybeId& o) { return b == t ? o : t; });
  return out;
}

// ---- random histories

const std::vector<std::string> kTexts = {"", "a", "b", "c"};

void ChangeText(Random& random, google::protobuf::Message& m) {
  std::vector<const google::protobuf::FieldDescriptor*> texts;
  for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
    const auto* field = m.GetDescriptor()->field(i);
    const bool is_text =
        field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING && !field->is_repeated();
    if (is_text && field->name() != "id" && field->name() != "legacy_id") texts.push_back(field);
  }
  m.GetReflection()->SetString(&m, random.Of(texts), random.Of(kTexts));
}

template <class Rows>
void SortByLegacyId(Rows& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return CompareLegacyIds(a.legacy_id(), b.legacy_id()) < 0; });
}

class Bos {
 public:
  explicit Bos(Random& random) : random_(random) {
    image_.set_client_id("a");
    for (int i = 0; i < 12; ++i) Change();
  }

  const BosImage& image() const { return image_; }

  void Change() {
    switch (random_.Below(13)) {
      case 0:
        image_.set_client_id(random_.Of(kTexts));
        break;
      case 1:
        ChangeText(random_, *image_.mutable_details());
        break;
      case 2:
        image_.mutable_details()->set_email_notification(random_.OneIn(2));
        image_.mutable_details()->set_type(static_cast<types::v1::EntityType>(random_.Below(3)));
        break;
      case 3:
        random_.OneIn(4) ? image_.clear_address() : ChangeText(random_, *image_.mutable_address());
        break;
      case 4:
        random_.OneIn(4) ? image_.clear_regulatory() : ChangeText(random_, *image_.mutable_regulatory());
        break;
      case 5:
        image_.set_active(random_.OneIn(2));
        break;
      case 6:
        image_.set_deleted(random_.OneIn(2));
        image_.set_screening_status(static_cast<types::v1::ScreeningStatus>(random_.Below(4)));
        break;
      case 7:
      case 8:
        ChangeAliases();
        break;
      case 9:
        ChangeEmails();
        break;
      case 10:
        image_.set_updated_at_us(++next_key_ * 1000);
        break;
      default:
        ChangeAccounts();
    }
  }

 private:
  std::string NextKey() { return std::to_string(++next_key_ * 7 % 1000); }  // keys need not grow

  // Deletes the row with this text if there is one, else inserts it under a new key.
  template <class Rows, class IsIt>
  bool Deleted(Rows& rows, IsIt is_it) {
    const auto it = std::find_if(rows.begin(), rows.end(), is_it);
    if (it == rows.end()) return false;
    rows.erase(it);
    return random_.OneIn(2);  // or insert it again at once
  }

  void ChangeAliases() {
    const std::string text = random_.Of(kTexts);
    auto& rows = *image_.mutable_aliases();
    if (Deleted(rows, [&](const types::v1::Alias& a) { return a.alias() == text; })) return;
    auto* row = image_.add_aliases();
    row->set_alias(text);
    row->set_legacy_id(NextKey());
    SortByLegacyId(rows);
  }

  void ChangeEmails() {
    const std::string text = random_.Of(kTexts);
    auto& rows = *image_.mutable_emails();
    if (Deleted(rows, [&](const types::v1::Email& a) { return a.email() == text; })) return;
    auto* row = image_.add_emails();
    row->set_email(text);
    row->set_legacy_id(NextKey());
    SortByLegacyId(rows);
  }

  void ChangeAccounts() {
    auto& rows = *image_.mutable_bank_accounts();
    const int choice = random_.Below(5);
    if (rows.empty() || choice == 0) {
      auto* row = image_.add_bank_accounts();
      row->set_legacy_id(NextKey());
      row->set_id("account-" + row->legacy_id());
      row->mutable_bank();
      SortByLegacyId(rows);
      return;
    }
    const int at = random_.Below(rows.size());
    if (choice == 1) {
      rows.DeleteSubrange(at, 1);
    } else if (choice == 2) {
      ChangeText(random_, *rows.Mutable(at)->mutable_bank());
    } else if (choice == 3) {
      rows.Mutable(at)->set_active(random_.OneIn(2));
      rows.Mutable(at)->set_is_default(random_.OneIn(2));
    } else {
      ChangeText(random_, *rows.Mutable(at));
    }
  }

  Random& random_;
  BosImage image_;
  std::int64_t next_key_ = 0;
};

template <class E>
void Apply(State& s, const E& e) {
  Beneficiary::Evolve(s, e);
}

// The changes made here are the events that commands of the API would have emitted.

void ChangeAliasesHere(Random& random, State& s) {
  const std::string text = random.Of(kTexts);
  const State before = s;
  for (const auto& alias : before.aliases()) {
    if (alias.alias() != text) continue;
    events::v1::AliasRemoved e;
    *e.mutable_alias() = alias;
    Apply(s, e);
    if (random.OneIn(2)) return;
  }
  events::v1::AliasAdded e;
  e.mutable_alias()->set_alias(text);
  Apply(s, e);
}

void ChangeEmailsHere(Random& random, State& s) {
  events::v1::EmailAddressesChanged e;
  const std::string text = random.Of(kTexts);
  for (const auto& email : s.emails()) {
    if (email.email() != text) *e.add_emails() = email;
  }
  if (random.OneIn(2)) e.add_emails()->set_email(text);
  Apply(s, e);
}

void ChangeAccountsHere(Random& random, State& s) {
  if (s.bank_accounts().empty() || random.OneIn(4)) {
    events::v1::BankAccountAdded e;
    e.mutable_bank_account()->set_id("here-" + random.Of(kTexts));
    e.mutable_bank_account()->set_active(true);
    return Apply(s, e);
  }
  const auto& account = s.bank_accounts(random.Below(s.bank_accounts_size()));
  if (random.OneIn(3)) {
    events::v1::BankAccountRemoved e;
    e.set_account_id(account.id());
    return Apply(s, e);
  }
  events::v1::BankAccountAmended e;
  *e.mutable_bank_account() = account;
  ChangeText(random, *e.mutable_bank_account());
  e.mutable_bank_account()->set_active(random.OneIn(2));
  Apply(s, e);
}

void ChangeHere(Random& random, State& s) {
  switch (random.Below(9)) {
    case 0: {
      events::v1::DetailsAmended e;
      *e.mutable_details() = s.details();
      ChangeText(random, *e.mutable_details());
      return Apply(s, e);
    }
    case 1: {
      events::v1::AddressChanged e;
      if (!random.OneIn(4)) {
        *e.mutable_address() = s.address();
        ChangeText(random, *e.mutable_address());
      }
      return Apply(s, e);
    }
    case 2: {
      events::v1::RegulatoryDetailsChanged e;
      if (!random.OneIn(4)) {
        *e.mutable_regulatory() = s.regulatory();
        ChangeText(random, *e.mutable_regulatory());
      }
      return Apply(s, e);
    }
    case 3:
      return random.OneIn(2) ? Apply(s, events::v1::BeneficiaryActivated())
                             : Apply(s, events::v1::BeneficiaryDeactivated());
    case 4:
      return random.OneIn(2) ? Apply(s, events::v1::BeneficiaryRemoved()) : Apply(s, events::v1::BeneficiaryRestored());
    case 5:
      return ChangeAliasesHere(random, s);
    case 6:
      return ChangeEmailsHere(random, s);
    default:
      return ChangeAccountsHere(random, s);
  }
}

// ---- the properties

template <class Rows>
void ExpectLegacyOrder(const Rows& rows) {
  const auto first_here = std::find_if(rows.begin(), rows.end(), [](const auto& r) { return r.legacy_id().empty(); });
  EXPECT_TRUE(std::is_sorted(rows.begin(), first_here, [](const auto& a, const auto& b) {
    return CompareLegacyIds(a.legacy_id(), b.legacy_id()) < 0;
  }));
  EXPECT_TRUE(std::all_of(first_here, rows.end(), [](const auto& r) { return r.legacy_id().empty(); }));
}

daybook::Context ContextOf() {
  daybook::Context context;
  context.stream = daybook::StreamId("beneficiary", "x");
  return context;
}

commands::v1::SyncFromBos SyncOf(const BosImage& image) {
  commands::v1::SyncFromBos c;
  *c.mutable_image() = image;
  return c;
}

void EvolveChecked(State& s, const std::vector<Beneficiary::Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const View before = ViewOf(s);
    std::visit([&](const auto& e) { Beneficiary::Evolve(s, e); }, events[i]);
    const bool is_last = i + 1 == events.size();
    EXPECT_EQ(std::holds_alternative<events::v1::SyncedFromBos>(events[i]), is_last);
    EXPECT_TRUE(is_last || before != ViewOf(s)) << "event " << i << " says nothing";
  }
}

void SyncAndCompare(State& s, const BosImage& image) {
  const BosImage base = s.bos_image();
  const View expected = Expected(ViewOf(base), ViewOf(image), ViewOf(s));
  const std::int64_t updated_at_us =
      image.updated_at_us() != base.updated_at_us() ? image.updated_at_us() : s.updated_at_us();
  const auto decision = Beneficiary::Decide(s, SyncOf(image), ContextOf());
  ASSERT_EQ(decision.unchanged(), image.SerializeAsString() == base.SerializeAsString());
  ASSERT_FALSE(decision.rejected());
  if (decision.emits()) EvolveChecked(s, decision.events());
  EXPECT_TRUE(expected == ViewOf(s)) << "base\n"
                                     << base.Utf8DebugString() << "theirs\n"
                                     << image.Utf8DebugString() << "merged\n"
                                     << s.Utf8DebugString();
  EXPECT_EQ(s.updated_at_us(), updated_at_us);
  EXPECT_EQ(s.bos_image().SerializeAsString(), image.SerializeAsString());
  ExpectLegacyOrder(s.aliases());
  ExpectLegacyOrder(s.emails());
  ExpectLegacyOrder(s.bank_accounts());
  EXPECT_TRUE(Beneficiary::Decide(s, SyncOf(image), ContextOf()).unchanged());
}

void RunHistory(std::uint64_t seed, int changes_here) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", changes here " + std::to_string(changes_here));
  Random random(seed);
  Bos bos(random);
  State s;
  const auto first = Beneficiary::Decide(s, SyncOf(bos.image()), ContextOf());
  ASSERT_TRUE(first.emits());
  for (const auto& event : first.events()) std::visit([&](const auto& e) { Beneficiary::Evolve(s, e); }, event);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < changes_here; ++i) ChangeHere(random, s);
    for (int i = random.Below(6); i > 0; --i) bos.Change();
    SyncAndCompare(s, bos.image());
    if (::testing::Test::HasFailure()) return;
    if (changes_here == 0) {
      EXPECT_TRUE(ViewOf(s) == ViewOf(bos.image()));
    }
  }
}

TEST(BosSyncPropertyTest, WithoutChangesHereTheStateIsTheImage) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) RunHistory(seed, 0);
}

TEST(BosSyncPropertyTest, PerFieldBosWinsWhereItChangedAndWeWhereItDidNot) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) RunHistory(seed, 1 + static_cast<int>(seed % 4));
}

}  // namespace
}  // namespace beneficiary
