#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/check.h"
#include "daybook/base/hash.h"
#include "daybook/base/strings.h"
#include "daybook/runtime/executor.h"
#include "daybook/runtime/partition.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "floors/bare_writer.h"
#include "floors/raw_log.h"
#include "harness/closed_loop.h"
#include "scenarios/notes.h"
#include "scenarios/scenarios.h"

namespace daybook::bench {
namespace {

CommandId IdOf(std::uint64_t i) {
  std::string number;
  AppendBigEndian64(number, i);
  std::array<std::uint8_t, 16> bytes = Hash128(number);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x80);  // version 8: made here, and not time-ordered
  return CommandId(Uuid(bytes));
}

// Daybook's command side on a new partition.
class CommandSide {
 public:
  explicit CommandSide(const std::string& path) {
    auto store = store::OpenRocksEventStore({.path = path});
    DAYBOOK_CHECK(store.ok(), store.status().ToString());
    store_ = *std::move(store);
    auto partition = runtime::Partition::Start({}, *store_);
    DAYBOOK_CHECK(partition.ok(), partition.status().ToString());
    partition_ = *std::move(partition);
    notes_.emplace(*partition_);
  }

  LoopResult Run(int in_flight, absl::Duration duration) {
    daybook_bench::v1::AddNote command;
    command.set_text(std::string(kEventBytes, 'x'));
    LoopResult result = RunClosedLoop(next_, in_flight, duration, [&](std::uint64_t i, auto done) {
      runtime::CommandOptions options;
      options.id = IdOf(i);
      notes_->Execute(
          NotesKey(i), command, std::move(options),
          [done = std::move(done)](absl::StatusOr<runtime::CommandOutcome> outcome) { done(outcome.ok()); });
    });
    next_ += 100'000'000;
    return result;
  }

 private:
  std::unique_ptr<store::EventStore> store_;
  std::unique_ptr<runtime::Partition> partition_;
  std::optional<runtime::Executor<Notes>> notes_;
  std::uint64_t next_ = 0;
};

LoopResult RunBareWriter(BareWriter& writer, std::uint64_t first, int in_flight, absl::Duration duration) {
  const std::string event(kEventBytes, 'x');
  return RunClosedLoop(first, in_flight, duration, [&](std::uint64_t i, auto done) {
    writer.Append(NotesNumber(i), IdOf(i).uuid().raw(), event, std::move(done));
  });
}

LoopResult RunRawLog(RawLog& log, int in_flight, absl::Duration duration) {
  const std::string event(kEventBytes, 'x');
  return RunClosedLoop(0, in_flight, duration, [&](std::uint64_t, auto done) { log.Append(event, std::move(done)); });
}

// The median over the rounds of what each round measured.
struct Latencies {
  std::vector<double> p50, p99;
  void Add(const LoopResult& result) {
    p50.push_back(result.p50_us);
    p99.push_back(result.p99_us);
  }
  void Put(Row& row) const {
    row.p50_us = Median(p50);
    row.p99_us = Median(p99);
  }
};

void Measure(const Settings& settings, int in_flight, CommandSide& side, BareWriter& writer, RawLog& log,
             Report& report) {
  std::uint64_t first = 1'000'000'000ull * static_cast<std::uint64_t>(in_flight);
  Latencies latencies;
  const auto ours = [&] {
    const LoopResult result = side.Run(in_flight, settings.duration);
    DAYBOOK_CHECK(result.errors == 0, "a command failed");
    latencies.Add(result);
    return result.per_second;
  };
  Row row;
  row.scenario = absl::StrCat("commands, ", in_flight, " in flight");
  row.unit = "commands/s";
  row.floor = "queue to WriteBatch";
  if (in_flight == 256) row.target = 0.5;
  row = MeasurePairs(std::move(row), settings.rounds, ours, [&] {
    first += 10'000'000;
    return RunBareWriter(writer, first, in_flight, settings.duration).per_second;
  });
  latencies.Put(row);
  report.Add(row);

  Row raw;
  raw.scenario = row.scenario;
  raw.unit = row.unit;
  raw.floor = "raw log with fdatasync";
  report.Add(MeasurePairs(std::move(raw), settings.rounds, ours,
                          [&] { return RunRawLog(log, in_flight, settings.duration).per_second; }));
}

}  // namespace

void BenchCommands(const Settings& settings, Report& report) {
  CommandSide side(NewDirectory(settings));
  BareWriter writer(NewDirectory(settings), kAggregates);
  RawLog log(NewDirectory(settings) + "/log");
  // All states cached and all files of a steady size before the first figure.
  side.Run(1024, settings.duration);
  RunBareWriter(writer, 0, 1024, settings.duration);
  for (const int in_flight : {1, 64, 256, 1024}) Measure(settings, in_flight, side, writer, log, report);
}

void BenchAppend(const Settings& settings, Report& report) {
  auto store = store::OpenRocksEventStore({.path = NewDirectory(settings)});
  DAYBOOK_CHECK(store.ok(), store.status().ToString());
  RawLog log(NewDirectory(settings) + "/log");
  std::uint64_t next = 0;
  Latencies latencies;
  Row row;
  row.scenario = "one synced append";
  row.unit = "appends/s";
  row.floor = "write and fdatasync";
  row = MeasurePairs(
      std::move(row), settings.rounds,
      [&] {
        const LoopResult result = RunClosedLoop(0, 1, settings.duration, [&](std::uint64_t, auto done) {
          store::Batch batch;
          store::StreamAppend& append = batch.appends.emplace_back();
          append.stream = StreamId("notes", NotesKey(next++));
          append.events.push_back({"daybook_bench.v1.NoteAdded", "", std::string(kEventBytes, 'x')});
          done((*store)->Append(batch).ok());
        });
        DAYBOOK_CHECK(result.errors == 0, "an append failed");
        latencies.Add(result);
        return result.per_second;
      },
      [&] { return RunRawLog(log, 1, settings.duration).per_second; });
  latencies.Put(row);
  report.Add(std::move(row));
}

}  // namespace daybook::bench
