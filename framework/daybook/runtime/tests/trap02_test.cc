// Trap 2, gaps: a position handed out before its commit can be skipped by a reader, or never be filled.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::runtime {
namespace {

constexpr int kWriters = 8;
constexpr int kCommandsPerWriter = 150;

// Gives the processor away a random number of times before each commit.
class StallingCommitPoint final : public CommitPoint {
 public:
  StallingCommitPoint(store::EventStore& store, std::uint64_t seed) : store_(store), random_(seed) {}
  absl::StatusOr<store::Appended> Commit(const store::Batch& batch) override {
    for (std::uint64_t stalls = random_() % 200; stalls > 0; --stalls) std::this_thread::yield();
    return store_.Append(batch);
  }

 private:
  store::EventStore& store_;
  std::mt19937_64 random_;
};

// What a reader that follows the log has seen.
struct Tail {
  std::map<Position, CommandId> commands;
  std::string fault;  // "" or what was wrong
};

// Reads until `done` and the log's end.
void Follow(store::EventStore& store, const std::atomic<bool>& done, Tail& tail) {
  const auto subscription = store.Subscribe(Position(1));
  std::uint64_t next = 1;
  while (tail.fault.empty()) {
    const bool last_look = done.load();
    const auto batch = subscription->NextBatch({.events_max = 7}, absl::Milliseconds(20));
    if (!batch.ok()) {
      tail.fault = batch.status().ToString();
    } else if (batch->empty() && last_look) {
      return;
    } else if (!batch->empty() && batch->back().index + 1 != batch->back().count) {
      tail.fault = absl::StrCat("a batch ended inside a command, at position ", batch->back().position.value());
    }
    for (const store::EventView& event : batch.ok() ? *batch : std::vector<store::EventView>()) {
      if (event.position != Position(next) && tail.fault.empty()) {
        tail.fault = absl::StrCat("position ", event.position.value(), " came where ", next, " was due");
      }
      tail.commands[event.position] = codec::DecodeEnvelope(event.envelope)->command_id;
      ++next;
    }
  }
}

struct Acked {
  CommandId id;
  Position last;
  std::uint32_t events;
};

void WriteAtRandom(Executor<Account>& accounts, int writer, std::uint64_t seed, std::vector<Acked>& acked,
                   std::atomic<int>& failures) {
  std::mt19937_64 random(seed + static_cast<std::uint64_t>(writer));
  for (int i = 0; i < kCommandsPerWriter; ++i) {
    for (std::uint64_t stalls = random() % 50; stalls > 0; --stalls) std::this_thread::yield();
    const std::string key = std::to_string(random() % 5);
    Account::Command command = Open();
    if (random() % 2 == 0) command = Deposit(1, "", static_cast<std::uint32_t>(1 + random() % 3));
    if (random() % 4 == 0) command = Withdraw(1'000'000'000);  // always rejected
    const Outcome outcome = accounts.ExecuteAndWait(key, command, {});
    if (!outcome.ok()) {
      ++failures;
    } else if (outcome->result == Result::kCommitted) {
      acked.push_back({outcome->id, outcome->position, outcome->event_count});
    }
  }
}

// "" if a tailing reader saw 1..n without a gap, whole commands only, and each answer's positions hold its events.
std::string RunWritersAndReader(std::uint64_t seed) {
  const auto store = store::NewMemoryEventStore();
  StallingCommitPoint commit_point(*store, seed);
  auto partition = *Partition::Start({}, *store, commit_point);
  Executor<Account> accounts(*partition);
  Tail tail;
  std::atomic<bool> done{false};
  std::jthread reader([&] { Follow(*store, done, tail); });
  std::vector<std::vector<Acked>> acked(kWriters);
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] { WriteAtRandom(accounts, w, seed, acked[static_cast<std::size_t>(w)], failures); });
    }
  }
  done.store(true);
  reader.join();
  if (!tail.fault.empty()) return tail.fault;
  if (failures != 0) return absl::StrCat(failures.load(), " commands failed");
  std::uint64_t events = 0;
  for (const auto& of_one_writer : acked) {
    for (const Acked& ack : of_one_writer) {
      for (std::uint32_t i = 0; i < ack.events; ++i) {
        const auto seen = tail.commands.find(Position(ack.last.value() - i));
        if (seen == tail.commands.end() || seen->second != ack.id) {
          return absl::StrCat("position ", ack.last.value() - i, " does not hold the event that was answered");
        }
      }
      events += ack.events;
    }
  }
  if (events != tail.commands.size()) return absl::StrCat(tail.commands.size(), " events, ", events, " answered");
  return "";
}

TEST(Trap02Gaps, ATailingReaderSeesDensePositions) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  EXPECT_EQ(RunWritersAndReader(seed), "");
}

TEST(Trap02Gaps, GoesRedWhenPositionsAreTakenBeforeTheCommit) {
  const testing::SeededBug bug("position_taken_before_commit");
  EXPECT_NE(RunWritersAndReader(1), "");
}

}  // namespace
}  // namespace daybook::runtime
