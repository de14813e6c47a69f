// What the runtime writes, byte by byte.
#include "daybook/codec/tests/golden.h"

#include <gtest/gtest.h>

#include "daybook/runtime/internal/load_state.h"
#include "daybook/runtime/internal/outcome_codec.h"
#include "daybook/runtime/tests/account.h"

namespace daybook::runtime {
namespace {

using internal::DecodeOutcome;
using internal::EncodeOutcome;
using internal::Fingerprint;

constexpr Fingerprint kFingerprint = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};

std::string Encoded(const CommandOutcome& outcome) {
  std::string bytes;
  EncodeOutcome(outcome, kFingerprint, Timestamp::FromMicros(1'767'225'600'123'456), bytes);
  return bytes;
}

CommandOutcome Committed() {
  CommandOutcome outcome;
  outcome.result = CommandOutcome::Result::kCommitted;
  outcome.id = CommandId(*Uuid::Parse("018f0000-0000-7000-8000-000000000001"));
  outcome.stream = StreamId("account", "42");
  outcome.revision = Revision(7);
  outcome.position = Position(300);
  outcome.event_count = 2;
  return outcome;
}

CommandOutcome Rejected() {
  CommandOutcome outcome = Committed();
  outcome.result = CommandOutcome::Result::kRejected;
  outcome.event_count = 0;
  outcome.rejection = Reject{Code::kInvalidArgument,
                             "INVALID",
                             "two mistakes",
                             {{"/iban", "IBAN_CHECKSUM", "wrong"}, {"/name", "REQUIRED", "missing"}}};
  return outcome;
}

TEST(RuntimeGoldenTest, ACommittedOutcome) { ExpectGolden("outcome_committed", Encoded(Committed())); }

TEST(RuntimeGoldenTest, ARejectedOutcome) {
  ExpectGolden("outcome_rejected", Encoded(Rejected()));
  const auto read = DecodeOutcome(Rejected().id, PartitionId(3), ReadGolden("outcome_rejected"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->outcome.rejection, Rejected().rejection);
  EXPECT_EQ(read->outcome.stream, Rejected().stream);
  EXPECT_EQ(read->outcome.partition, PartitionId(3));
  EXPECT_EQ(read->fingerprint, kFingerprint);
  EXPECT_EQ(read->decided_at, Timestamp::FromMicros(1'767'225'600'123'456));
}

TEST(RuntimeGoldenTest, ASnapshot) {
  const internal::TypedOps<Account> ops(SnapshotPolicy::Never(), {});
  internal::TypedState<Account::State> state;
  state.value.set_open(true);
  state.value.set_balance(12);
  (*state.value.mutable_by_note())["b"] = 2;
  (*state.value.mutable_by_note())["a"] = 1;
  const store::SnapshotRow row =
      internal::MakeSnapshot(ops, StreamId("account", "42"), Revision(7), Position(300), state);
  ExpectGolden("snapshot_state", row.state);
}

// A known id and command must get the same fingerprint from every program, or a retry after an update would be refused.
TEST(RuntimeGoldenTest, TheFingerprintOfACommand) {
  std::size_t bytes = 0;
  const Fingerprint given = internal::FingerprintOf(StreamId("account", "42"), "of the caller", Deposit(5, "x"), bytes);
  const Fingerprint own = internal::FingerprintOf(StreamId("account", "42"), "", Deposit(5, "x"), bytes);
  ExpectGolden("fingerprint_given", std::string(given.begin(), given.end()));
  ExpectGolden("fingerprint_own", std::string(own.begin(), own.end()));
}

TEST(OutcomeCodecTest, DamagedBytesAreDataLossNamingTheCommand) {
  const std::string good = Encoded(Rejected());
  int refused = 0;
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto read = DecodeOutcome(Rejected().id, PartitionId(), good.substr(0, size));
    if (read.ok()) continue;
    ++refused;
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(read.status().message().find("018f0000-0000-7000-8000-000000000001"), absl::string_view::npos);
  }
  EXPECT_GT(refused, static_cast<int>(good.size()) - 4);
}

TEST(OutcomeCodecTest, ARejectionThatIsNotUtf8IsStillReadable) {
  CommandOutcome outcome = Rejected();
  outcome.rejection->message = "\xff";
  const auto read = DecodeOutcome(outcome.id, PartitionId(), Encoded(outcome));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->outcome.rejection->message, "\xef\xbf\xbd");
  EXPECT_EQ(read->outcome.rejection->reason, "INVALID");
}

}  // namespace
}  // namespace daybook::runtime
