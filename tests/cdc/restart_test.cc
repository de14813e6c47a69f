#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "cdc/fixtures.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::cdc_test {
namespace {

// kPowerLoss: of the process's writes only those survive that were synced, and those before them.
enum class Death { kBeforeTheWrite, kAfterTheWrite, kPowerLoss };

// A process's view of a store that lives on: after so many writes the process is dead, and nothing it does counts.
class MortalKeyValue final : public store::KeyValue {
 public:
  MortalKeyValue(store::KeyValue* inner, int writes, Death death) : inner_(inner), left_(writes), death_(death) {}

  absl::StatusOr<store::TableId> OpenTable(std::string_view name) override {
    opened_.emplace_back(name);
    return inner_->OpenTable(name);
  }
  absl::Status DropTable(std::string_view name) override { return inner_->DropTable(name); }
  std::vector<std::string> TableNames() const override { return inner_->TableNames(); }
  absl::StatusOr<std::optional<std::string>> Get(store::TableId table, std::string_view key) const override {
    return inner_->Get(table, key);
  }
  absl::StatusOr<bool> AppendTo(store::TableId table, std::string_view key, std::string& out) const override {
    return inner_->AppendTo(table, key, out);
  }
  std::unique_ptr<store::KeyValueCursor> Scan(store::TableId table, std::string_view begin,
                                              std::string_view end) const override {
    return inner_->Scan(table, begin, end);
  }
  std::unique_ptr<store::KeyValueReader> Snapshot() const override { return inner_->Snapshot(); }
  std::uint64_t ChangeNumber() const override { return inner_->ChangeNumber(); }
  absl::Status Write(const store::WriteBatch& batch, store::Durability durability) override {
    if (left_ == 0) return absl::UnavailableError("dead");
    written_.push_back(batch);
    if (durability == store::Durability::kSynced && !(left_ == 1 && death_ == Death::kPowerLoss)) {
      synced_ = written_.size();
    }
    if (--left_ > 0) return inner_->Write(batch, durability);
    if (death_ == Death::kAfterTheWrite) {
      const absl::Status status = inner_->Write(batch, durability);
      if (!status.ok()) return status;
    }
    return absl::UnavailableError("killed");
  }

  // What is on the disk after a power loss, if all that was ever written came through here: what was synced, and
  // `more` writes if there were so many.
  std::unique_ptr<store::KeyValue> AfterPowerLoss(std::size_t more = 0) const {
    std::unique_ptr<store::KeyValue> disk = store::NewMemoryKeyValue();
    for (const std::string& name : opened_) EXPECT_EQ(disk->OpenTable(name).status(), absl::OkStatus());
    for (std::size_t i = 0; i < std::min(synced_ + more, written_.size()); ++i) {
      EXPECT_EQ(disk->Write(written_[i], store::Durability::kSynced), absl::OkStatus());
    }
    return disk;
  }
  std::size_t lost() const { return written_.size() - synced_; }
  // Whether a power loss now would take a command out of the outbox.
  bool WouldLoseCommands() const {
    return std::any_of(written_.begin() + static_cast<std::ptrdiff_t>(synced_), written_.end(),
                       [this](const auto& batch) {
                         return std::any_of(batch.changes().begin(), batch.changes().end(), [this](const auto& change) {
                           return change.kind == store::WriteBatch::Change::Kind::kPut && change.key.size() == 8 &&
                                  opened_[change.table.value() - 1] == "cdc.outbox";
                         });
                       });
  }

 private:
  store::KeyValue* inner_;
  int left_;
  const Death death_;
  std::vector<std::string> opened_;
  std::vector<store::WriteBatch> written_;
  std::size_t synced_ = 0;
};

// Executes commands as the command service does: a second one with the same id changes nothing. Some of its answers are
// lost on the way.
class ForgetfulSink final : public cdc::CommandSink {
 public:
  explicit ForgetfulSink(std::uint64_t seed, Recall recall = Recall::kNone) : recall_(recall), random_(seed) {}

  Recall recall() const override { return recall_; }

  // The store of the process that hands over, to see that it keeps what is executed.
  void Watch(const MortalKeyValue* kv) { kv_ = kv; }

  absl::Status Publish(const cdc::Command& command, Done done) override {
    if (recall_ == Recall::kNone) {
      EXPECT_FALSE(kv_ != nullptr && kv_->WouldLoseCommands()) << "published before it is durable";
    }
    return Execute(command, std::move(done));
  }
  absl::Status Execute(const cdc::Command& command, Done done) {
    const auto [seen, first] = contents_.emplace(command.id.ToString(), command.stream.text() + command.payload);
    EXPECT_EQ(seen->second, command.stream.text() + command.payload) << "two contents share an id";
    if (first) {
      Fold(command, folded);
      executed.push_back(command);
    } else {
      ++repeated;
    }
    if (random_() % 3 == 0) {
      lost_.push_back(std::move(done));
    } else {
      done(absl::OkStatus());
    }
    return absl::OkStatus();
  }
  Folded folded;
  std::vector<cdc::Command> executed;
  int repeated = 0;

 private:
  const Recall recall_;
  const MortalKeyValue* kv_ = nullptr;
  std::mt19937_64 random_;
  std::map<std::string, std::string> contents_;
  std::vector<Done> lost_;
};

class RestartTest : public ::testing::Test {
 protected:
  using Recall = cdc::CommandSink::Recall;

  // Runs over `kv` until killed. True: came to the end of the records.
  bool Run(const Fixture& fixture, const std::vector<cdc::Record>& records, std::size_t batch, store::KeyValue* kv,
           ForgetfulSink* sink) {
    beneficiary::BeneficiaryMapping beneficiaries(fixture.instance);
    beneficiary::ClientMapping clients(fixture.instance);
    auto gateway = OpenBos(&beneficiaries, &clients, kv, sink, &clock_);
    if (!gateway.ok()) return false;
    const std::span<const cdc::Record> all(records);
    for (std::size_t at = 0; at < all.size(); at += batch) {
      if (!(*gateway)->Ingest(all.subspan(at, std::min(batch, all.size() - at))).ok()) return false;
    }
    return (*gateway)->Flush().ok();
  }

  // Gives a gateway everything that was published, as it reads it back from its own topic.
  static absl::Status ReadBack(cdc::Gateway& gateway, const std::vector<cdc::Command>& executed) {
    std::vector<cdc::Published> published;
    for (const cdc::Command& command : executed) {
      published.push_back(
          {gateway.writer(), command.aggregate, command.emission, command.id.uuid(), command.type, command.payload});
    }
    const cdc::InputPosition last{"commands", 0, static_cast<std::int64_t>(executed.size()) - 1, 0};
    return gateway.Observe(published, {&last, executed.empty() ? 0U : 1U});
  }

  void KillAt(const Fixture& fixture, const std::vector<cdc::Record>& records, std::size_t batch, int writes,
              Death death, Recall recall = Recall::kNone) {
    SCOPED_TRACE(::testing::Message() << fixture.name << ", death " << static_cast<int>(death) << " at write "
                                      << writes);
    std::unique_ptr<store::KeyValue> kv = store::NewMemoryKeyValue();
    ForgetfulSink sink(static_cast<std::uint64_t>(writes), recall);
    MortalKeyValue mortal(kv.get(), writes, death);
    sink.Watch(&mortal);
    reached_the_end_ = Run(fixture, records, batch, &mortal, &sink);
    sink.Watch(nullptr);
    if (death == Death::kPowerLoss) {
      lost_ += mortal.lost();
      kv = mortal.AfterPowerLoss(recall == Recall::kNone ? 0 : random_() % (mortal.lost() + 1));
    }
    // The next process; its sink answers everything.
    CollectingSink survivor_sink;
    beneficiary::BeneficiaryMapping beneficiaries(fixture.instance);
    beneficiary::ClientMapping clients(fixture.instance);
    auto gateway = OpenBos(&beneficiaries, &clients, kv.get(), &survivor_sink, &clock_);
    ASSERT_EQ(gateway.status(), absl::OkStatus());
    if (recall == Recall::kReadBack) {
      (*gateway)->SetRole(cdc::Role::kStandby);
      ASSERT_EQ(ReadBack(**gateway, sink.executed), absl::OkStatus());
      observed_ += (*gateway)->counters().observed;
      ASSERT_EQ((*gateway)->Ingest(records), absl::OkStatus());
      (*gateway)->SetRole(cdc::Role::kActive);
    }
    ASSERT_EQ(IngestAll(**gateway, records, batch), absl::OkStatus());
    for (const cdc::Command& command : survivor_sink.commands) {
      ASSERT_EQ(sink.Execute(command, [](const absl::Status&) {}), absl::OkStatus());
    }
    EXPECT_EQ(Difference(fixture, sink.folded), "");
    EXPECT_EQ((*gateway)->counters().outbox, 0u);
    ExpectNothingTwice(sink.executed);
    repeated_ += sink.repeated;
  }

  // No stream was given the same content twice in a row under two ids, or a command with a number it had had.
  static void ExpectNothingTwice(const std::vector<cdc::Command>& executed) {
    std::map<std::string, std::string> last;
    std::map<std::string, std::uint64_t> number;
    for (const cdc::Command& command : executed) {
      std::string& before = last[command.stream.text()];
      EXPECT_NE(before, command.type + command.payload) << command.stream.text();
      before = command.type + command.payload;
      std::uint64_t& count = number[command.stream.text()];
      EXPECT_EQ(command.emission, count + 1) << command.stream.text();
      count = command.emission;
    }
  }

  StillClock clock_;
  bool reached_the_end_ = false;
  int repeated_ = 0;
  std::size_t lost_ = 0;        // writes, by power losses
  std::uint64_t observed_ = 0;  // commands that were only read back
  std::mt19937_64 random_{1};
};

TEST_F(RestartTest, R6KilledAtEveryWriteItGoesOnAndRepeatsNoCommand) {
  const Fixture& fixture = GetFixture("sample");
  const std::vector<cdc::Record> records = Views(fixture.records);
  for (int writes = 1;; writes += CaseShare()) {
    KillAt(fixture, records, 30, writes, Death::kBeforeTheWrite);
    KillAt(fixture, records, 30, writes, Death::kAfterTheWrite);
    if (HasFailure()) return;
    if (reached_the_end_) break;
  }
  EXPECT_GT(repeated_, 0) << "no kill fell between publishing and the answer";
}

// Two records at a time: most batches hold no command, and are not synced.
TEST_F(RestartTest, R6AfterAPowerLossAtAnyWriteItReadsAgainWhatWasLostAndRepeatsNoCommand) {
  const Fixture& fixture = GetFixture("sample");
  const std::vector<cdc::Record> records = Views(fixture.records);
  for (int writes = 1;; writes += 7 * CaseShare()) {
    KillAt(fixture, records, 2, writes, Death::kPowerLoss);
    if (HasFailure()) return;
    if (reached_the_end_) break;
  }
  EXPECT_GT(lost_, 0u) << "no write was lost";
}

// Nothing is synced there, so that a power loss takes commands out of the store that are published.
TEST_F(RestartTest, R6WhatAPowerLossTookIsReadBackFromWhereItWasPublishedAndNotRepeated) {
  const Fixture& fixture = GetFixture("bos-b");
  const std::vector<cdc::Record> records = Views(fixture.records);
  for (const Death death : {Death::kBeforeTheWrite, Death::kAfterTheWrite, Death::kPowerLoss}) {
    for (int writes = 1;; writes += 5) {
      KillAt(fixture, records, 100, writes, death, Recall::kReadBack);
      if (HasFailure()) return;
      if (reached_the_end_) break;
    }
  }
  EXPECT_GT(observed_, 0u) << "no published command was lost here";
}

TEST_F(RestartTest, R6KilledAnywhereInARandomInterleavingItGoesOnAndRepeatsNoCommand) {
  for (const char* name : {"sample", "bos-a", "bos-b"}) {
    const Fixture& fixture = GetFixture(name);
    for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(20 / CaseShare()); ++seed) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      std::mt19937_64 random(seed);
      std::vector<cdc::Record> records;
      for (const std::size_t i : Interleaving(fixture.records, seed)) records.push_back(View(fixture.records[i]));
      const std::size_t batch = 1 + random() % 300;
      const int writes = 1 + static_cast<int>(random() % (records.size() / batch + 2));
      KillAt(fixture, records, batch, writes, seed % 2 == 0 ? Death::kBeforeTheWrite : Death::kAfterTheWrite);
      if (HasFailure()) return;
    }
  }
}

TEST_F(RestartTest, R6KilledManyTimesInARowItArrivesAtTheSameEnd) {
  for (const char* name : {"sample", "bos-b"}) {
    const Fixture& fixture = GetFixture(name);
    std::mt19937_64 random(11);
    std::vector<cdc::Record> records;
    for (const std::size_t i : Interleaving(fixture.records, 5)) records.push_back(View(fixture.records[i]));
    const auto kv = store::NewMemoryKeyValue();
    ForgetfulSink sink(3);
    int lives = 0;
    for (bool finished = false; !finished && lives < 500; ++lives) {
      MortalKeyValue mortal(kv.get(), 2 + static_cast<int>(random() % 8),
                            random() % 2 == 0 ? Death::kBeforeTheWrite : Death::kAfterTheWrite);
      finished = Run(fixture, records, 25, &mortal, &sink);
    }
    EXPECT_LT(lives, 500);
    EXPECT_GT(lives, 3);
    CollectingSink last;
    Rig gateway(fixture, kv.get(), &last, &clock_);
    ASSERT_EQ(IngestAll(*gateway, records), absl::OkStatus());
    for (const cdc::Command& command : last.commands) {
      ASSERT_EQ(sink.Publish(command, [](const absl::Status&) {}), absl::OkStatus());
    }
    EXPECT_EQ(Difference(fixture, sink.folded), "");
    ExpectNothingTwice(sink.executed);
  }
}

TEST_F(RestartTest, PositionsAreWhereTheConsumerSeeks) {
  const Fixture& fixture = GetFixture("sample");
  const auto kv = store::NewMemoryKeyValue();
  CollectingSink sink;
  {
    Rig gateway(fixture, kv.get(), &sink, &clock_);
    ASSERT_EQ(IngestAll(*gateway, Views(fixture.records)), absl::OkStatus());
  }
  Rig gateway(fixture, kv.get(), &sink, &clock_);
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> last;
  for (const OwnedRecord& record : fixture.records) last[{record.topic, record.partition}] = record.offset;
  const std::vector<cdc::InputPosition> positions = gateway->Positions();
  EXPECT_EQ(positions.size(), last.size());
  for (const cdc::InputPosition& position : positions) {
    EXPECT_EQ(position.offset, (last[{position.topic, position.partition}])) << position.topic;
  }
}

}  // namespace
}  // namespace daybook::cdc_test
