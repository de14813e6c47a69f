// Trap 12, outbox duplicates after a fenced retry: the sequence is in the headers, and the end of the output is read
// back at the start. docs/reference/seeded-bugs.md lists the bug put back here.
#include <gtest/gtest.h>

#include "daybook/bus/event_publisher.h"
#include "daybook/bus/tests/crashing_bus.h"
#include "daybook/bus/tests/published_log.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::bus {
namespace {

using Afterwards = CrashingBus::Afterwards;
using Crash = CrashingBus::Crash;

struct CrashRuns {
  int crashes = 0;
  std::vector<std::string> wrong;
};

// Publishes a log once per record that it takes, killing the publisher between sending that record and knowing of it
// (or just before), and lets the next one finish.
CrashRuns CrashEverywhere() {
  CrashRuns runs;
  AccountLog log;
  Fill(log, 12);
  for (const Afterwards afterwards : {Afterwards::kDead, Afterwards::kHeals}) {
    for (const Crash how : {Crash::kBeforeWriting, Crash::kAfterWriting}) {
      for (int record = 1;; ++record) {
        const std::unique_ptr<Bus> bus = BusWithTopics();
        CrashingBus crashing(*bus);
        crashing.CrashAt(record, how, afterwards);
        {
          auto publisher = EventPublisher::Start(Publishing(), crashing, log.store());
          EXPECT_TRUE(publisher.ok()) << publisher.status();
          const EventPublisher& started = **publisher;
          EXPECT_TRUE(Eventually([&] {
            return (crashing.crashed() && afterwards == Afterwards::kDead) || started.stats().published == log.end();
          }));
        }
        if (!crashing.crashed()) break;
        ++runs.crashes;
        (*EventPublisher::Start(Publishing(), *bus, log.store()))->Stop(kLimit);
        const std::string wrong = Differences(*bus, log.store());
        if (!wrong.empty()) runs.wrong.push_back(wrong);
      }
    }
  }
  return runs;
}

TEST(Trap12OutboxDuplicates, KilledBetweenSendAndMarkTheTopicHasEachSequenceOnceInOrder) {
  const CrashRuns runs = CrashEverywhere();
  EXPECT_GT(runs.crashes, 100);
  EXPECT_EQ(runs.wrong.size(), 0u) << runs.wrong.front();
}

TEST(Trap12OutboxDuplicates, GoesRedWhenTheTopicsEndIsNotReadBack) {
  const testing::SeededBug bug("tail_not_read_back");
  EXPECT_GT(CrashEverywhere().wrong.size(), 0u);
}

}  // namespace
}  // namespace daybook::bus
