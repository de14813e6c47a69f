#ifndef DAYBOOK_PROJECTION_TESTS_ACCOUNT_LOG_H_
#define DAYBOOK_PROJECTION_TESTS_ACCOUNT_LOG_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "daybook/core/projection.h"
#include "daybook/projection/projector.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook_test/v1/account.pb.h"

namespace daybook::projection {

namespace pb = daybook_test::v1;

// The aggregate of these tests. Only what projections need of one.
struct Account {
  static constexpr std::string_view kCategory = "account";
  using Event = std::variant<pb::Opened, pb::Deposited, pb::Withdrawn>;
  using State = pb::AccountState;

  static void Evolve(State& s, const pb::Opened& e) {
    s.set_open(true);
    s.set_owner(e.owner());
  }
  static void Evolve(State& s, const pb::Deposited& e) {
    s.set_balance(s.balance() + e.amount());
    (*s.mutable_by_note())[e.note()] += e.amount();
  }
  static void Evolve(State& s, const pb::Withdrawn& e) { s.set_balance(s.balance() - e.amount()); }
};

// Another aggregate, which most projections here do not read.
struct Tagging {
  static constexpr std::string_view kCategory = "tagging";
  using Event = std::variant<pb::Tagged>;
  using State = pb::Tagged;
  static void Evolve(State& s, const pb::Tagged& e) { s = e; }
};

inline void AddTo(std::string_view key, std::int64_t amount, ViewWriter& out) {
  const std::int64_t before = std::stoll(out.Get(key).value_or("0"));
  out.Put(key, std::to_string(before + amount));
}

// Counts: applying an event twice, or never, shows.
struct Tally {
  static constexpr std::string_view kName = "tally.v1";
  static void On(const Recorded<pb::Opened>& r, ViewWriter& out) { Count(r.stream, 0, out); }
  static void On(const Recorded<pb::Deposited>& r, ViewWriter& out) {
    if (r.event.note() == "fail") return out.Fail("the note says so");
    if (r.event.note() == "throw") throw std::runtime_error("the note says so, loudly");
    if (r.event.note() == "nul") return out.Put(std::string_view("\0x", 2), "");
    Count(r.stream, r.event.amount(), out);
  }
  static void On(const Recorded<pb::Withdrawn>& r, ViewWriter& out) { Count(r.stream, -r.event.amount(), out); }

  static void Count(const StreamId& stream, std::int64_t amount, ViewWriter& out) {
    AddTo("events", 1, out);
    AddTo("sum", amount, out);
    AddTo(std::string("account/").append(stream.key()), amount, out);
  }
};
static_assert(ProjectionOf<Tally, Account>);

// The same under another name: what a new version of the read model is.
struct TallyAgain : Tally {
  static constexpr std::string_view kName = "tally.v2";
};

// Accounts by balance: a row moves when the balance changes, and the memo knows from where.
struct ByBalance {
  static constexpr std::string_view kName = "by_balance.v1";
  static void On(const Folded<pb::AccountState>& f, ViewWriter& out) {
    if (!f.memo.empty()) out.Delete(f.memo);
    f.memo = "balance/" + std::to_string(f.state.balance() + 1'000'000) + "/" + std::string(f.stream.key());
    out.Put(f.memo, std::to_string(f.revision.value()));
    AddTo("commands", 1, out);
  }
  static void Trim(pb::AccountState& s) { s.clear_owner(); }
};
static_assert(FoldingProjectionOf<ByBalance, Account>);

// A log in memory and an easy way to write into it.
class AccountLog {
 public:
  AccountLog() : store_(store::NewMemoryEventStore()) { epoch_ = *store_->ClaimEpoch(); }

  store::EventStore& store() { return *store_; }

  // One command's events. Gives the position of the last one.
  Position Append(std::string_view key, const std::vector<Account::Event>& events) {
    std::vector<store::EventData> data;
    for (const Account::Event& event : events) data.push_back({codec_.TypeOf(event), "", codec_.Encode(event)});
    return AppendRaw(StreamId("account", key), std::move(data));
  }

  Position AppendRaw(const StreamId& stream, std::vector<store::EventData> events) {
    const CommandId command{NextUuid()};
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      codec::EnvelopeFields fields;
      fields.event_id = codec::EventIdOf(command, i);
      fields.command_id = command;
      fields.event_index = i;
      fields.event_count = static_cast<std::uint32_t>(events.size());
      codec::EncodeEnvelope(fields, events[i].envelope);
    }
    store::Batch batch;
    batch.epoch = epoch_;
    batch.appends.push_back({stream, store::ExpectedRevision::Any(), std::move(events)});
    const absl::StatusOr<store::Appended> appended = store_->Append(batch);
    EXPECT_TRUE(appended.ok()) << appended.status();
    return appended->last;
  }

  // So that two logs do not hold the same event ids.
  void StartIdsAt(std::uint64_t n) { next_id_ = n; }

  Position end() const { return store_->DurableWatermark(); }

 private:
  Uuid NextUuid() {
    std::string raw(8, '\7');
    AppendBigEndian64(raw, next_id_++);
    return *Uuid::FromBytes(raw);
  }

  std::unique_ptr<store::EventStore> store_;
  WriterEpoch epoch_;
  codec::EventCodec<Account::Event> codec_;
  std::uint64_t next_id_ = 1;
};

inline Account::Event Opened(const std::string& owner) {
  pb::Opened e;
  e.set_owner(owner);
  return e;
}
inline Account::Event Deposited(std::int64_t amount, const std::string& note = "") {
  pb::Deposited e;
  e.set_amount(amount);
  e.set_note(note);
  return e;
}
inline Account::Event Withdrawn(std::int64_t amount) {
  pb::Withdrawn e;
  e.set_amount(amount);
  return e;
}

inline constexpr absl::Duration kLimit = absl::Seconds(30);
inline const std::vector<std::string> kBoth = {"tally.v1", "by_balance.v1"};

// Everything in a projection's table, the framework's own rows included.
inline std::map<std::string, std::string> Dump(store::KeyValue& models, std::string_view table) {
  std::map<std::string, std::string> out;
  const absl::StatusOr<ReadModel> model = ReadModel::Open(models, table);
  EXPECT_TRUE(model.ok()) << model.status();
  const auto cursor = model->Scan("", "");
  while (true) {
    const absl::StatusOr<bool> more = cursor->Next();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return out;
    out.emplace(cursor->key(), cursor->value());
  }
}

inline std::string RowOf(store::KeyValue& models, std::string_view table, std::string_view key) {
  return *ReadModel::Open(models, table)->Get(key).value_or(std::nullopt);
}

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_TESTS_ACCOUNT_LOG_H_
