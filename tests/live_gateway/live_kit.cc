#include "live_gateway/live_kit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::live_test {

using beneficiary::LiveGateway;
using cdc_test::Fixture;
using cdc_test::OwnedRecord;

namespace {

constexpr std::string_view kRecordedPrefix = "bos.";

std::string TopicOf(const OwnedRecord& record, const std::string& prefix) {
  return absl::StartsWith(record.topic, ToAbsl(kRecordedPrefix))
             ? absl::StrCat(prefix, ".", record.topic.substr(kRecordedPrefix.size()))
             : "";  // heartbeats
}

// In the order in which they were written, as far as their time-stamps say; the file has them by topic.
std::vector<const OwnedRecord*> InTime(const Fixture& fixture) {
  std::vector<const OwnedRecord*> records;
  for (const OwnedRecord& record : fixture.records) records.push_back(&record);
  std::stable_sort(records.begin(), records.end(),
                   [](const OwnedRecord* a, const OwnedRecord* b) { return a->timestamp_ms < b->timestamp_ms; });
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> last;
  for (const OwnedRecord* record : records) {
    std::int64_t& before = last.try_emplace({record->topic, record->partition}, -1).first->second;
    EXPECT_LT(before, record->offset) << "not in the order of " << record->topic;
    before = record->offset;
  }
  return records;
}

}  // namespace

void MakeTopics(bus::Bus& bus, const Fixture& fixture, const std::string& prefix) {
  std::map<std::string, std::int32_t> partitions;
  for (const OwnedRecord& record : fixture.records) {
    const std::string topic = TopicOf(record, prefix);
    if (!topic.empty()) partitions[topic] = std::max(partitions[topic], record.partition + 1);
  }
  for (const auto& [topic, count] : partitions) {
    // The records keep the time at which they were recorded: what a broker deletes by default is older than a week.
    const absl::Status made = bus.admin().CreateTopic(
        {.topic = topic, .partitions = count, .config = {{"retention.ms", "-1"}}}, absl::Seconds(30));
    ASSERT_TRUE(made.ok() || absl::IsAlreadyExists(made)) << made;
  }
}

void Produce(bus::Bus& bus, const Fixture& fixture, const std::string& prefix, std::size_t begin, std::size_t end) {
  auto producer = bus.NewProducer({.name = "bos"});
  ASSERT_TRUE(producer.ok()) << producer.status();
  absl::Mutex mu;
  absl::Status failed;
  const std::vector<const OwnedRecord*> records = InTime(fixture);
  for (std::size_t i = begin; i < std::min(end, records.size()); ++i) {
    const OwnedRecord& record = *records[i];
    const std::string topic = TopicOf(record, prefix);
    if (topic.empty()) continue;
    bus::HeaderList headers;
    for (const auto& [name, value] : record.headers) headers.Add(name, value);
    bus::OutgoingRecord out;
    out.topic = topic;
    out.partition = bus::BusPartition(record.partition);
    if (record.key) out.key = *record.key;
    if (record.value) out.value = *record.value;
    out.headers = headers.view();
    out.timestamp = Timestamp::FromMillis(record.timestamp_ms);
    ASSERT_EQ((*producer)->Send(out,
                                [&](const absl::StatusOr<bus::Delivery>& sent) {
                                  absl::MutexLock lock(&mu);
                                  failed.Update(sent.status());
                                }),
              absl::OkStatus());
  }
  ASSERT_EQ((*producer)->Flush(absl::Seconds(60)), absl::OkStatus());
  absl::MutexLock lock(&mu);
  ASSERT_EQ(failed, absl::OkStatus());
}

void Send(bus::Bus& bus, const bus::OutgoingRecord& record) {
  auto producer = bus.NewProducer({.name = "test"});
  ASSERT_TRUE(producer.ok()) << producer.status();
  absl::Status sent;
  ASSERT_EQ((*producer)->Send(record, [&](const absl::StatusOr<bus::Delivery>& s) { sent = s.status(); }),
            absl::OkStatus());
  ASSERT_EQ((*producer)->Flush(absl::Seconds(60)), absl::OkStatus());
  ASSERT_EQ(sent, absl::OkStatus());
}

std::string Stored::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "(none)";
}

std::vector<Stored> ReadAll(bus::Bus& bus, const std::vector<std::string>& topics, bus::Isolation isolation) {
  std::vector<Stored> all;
  auto consumer = bus.NewConsumer({.name = "test", .isolation = isolation});
  EXPECT_TRUE(consumer.ok()) << consumer.status();
  if (!consumer.ok()) return all;
  std::map<bus::TopicPartition, bus::Offset> ends;
  std::vector<bus::Start> starts;
  for (const std::string& topic : topics) {
    const auto count = (*consumer)->PartitionCount(topic, absl::Seconds(30));
    if (!count.ok()) continue;
    for (std::int32_t i = 0; i < *count; ++i) {
      const bus::TopicPartition partition{topic, bus::BusPartition(i)};
      const auto range = (*consumer)->Offsets(partition, absl::Seconds(30));
      if (!range.ok()) return all;  // it is just being made
      ends[partition] = range->end;
      starts.push_back({partition, range->begin, std::nullopt});
    }
  }
  if (starts.empty()) return all;
  EXPECT_EQ((*consumer)->Assign(starts), absl::OkStatus());
  const bool read = Eventually(
      [&] {
        auto batch = (*consumer)->Poll({.timeout = absl::Milliseconds(20)});
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok()) return true;
        for (const bus::Record& record : batch->records()) {
          Stored& stored = all.emplace_back();
          stored.topic = std::string(record.topic);
          stored.partition = record.partition.value();
          stored.offset = record.offset.value();
          stored.key = std::string(record.key.value_or(""));
          if (record.value) stored.value = std::string(*record.value);
          for (const bus::Header& header : record.headers) {
            stored.headers.emplace_back(header.name, header.value.value_or("(null)"));
          }
        }
        for (const bus::PartitionProgress& progress : (*consumer)->Progress()) {
          if (progress.next < ends[progress.partition]) return false;
        }
        return true;
      },
      absl::Seconds(20));
  for (const bus::PartitionProgress& progress : (*consumer)->Progress()) {
    if (read) break;
    ADD_FAILURE() << progress.partition.ToString() << " was read to " << progress.next.value() << " of "
                  << ends[progress.partition].value();
  }
  return all;
}

std::vector<cdc::Command> ReadCommands(bus::Bus& bus, const std::string& instance) {
  std::vector<cdc::Command> commands;
  for (const Stored& stored : ReadAll(bus, {std::string(beneficiary::kBeneficiaryCommandsTopic),
                                            std::string(beneficiary::kClientCommandsTopic)})) {
    std::vector<bus::Header> headers;
    for (const auto& [name, value] : stored.headers) headers.push_back({name, value});
    const bus::Record record{.topic = stored.topic,
                             .partition = bus::BusPartition(stored.partition),
                             .offset = bus::Offset(stored.offset),
                             .timestamp = Timestamp(),
                             .key = stored.key,
                             .value = stored.value,
                             .headers = headers};
    const auto read = bus::DecodeCommand(record);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok() || stored.Header("ce_bosinstance") != instance) continue;
    cdc::Command command;
    command.id = read->id;
    command.stream = read->stream;
    command.type = read->type;
    command.payload = read->payload;
    if (read->source_time) command.source_time = *read->source_time;
    commands.push_back(std::move(command));
  }
  return commands;
}

void ExpectNothingTwice(const std::vector<cdc::Command>& commands) {
  std::set<std::string> ids;
  std::map<std::string, std::string> last;
  for (const cdc::Command& command : commands) {
    EXPECT_TRUE(ids.insert(command.id.ToString()).second) << "twice: " << command.id.ToString();
    std::string& before = last[command.stream.text()];
    EXPECT_NE(before, command.type + command.payload) << "the same content again: " << command.stream.text();
    before = command.type + command.payload;
  }
}

std::map<std::string, std::string> LastContents(const std::vector<cdc::Command>& commands) {
  std::map<std::string, std::string> last;
  for (const cdc::Command& command : commands) last[command.stream.text()] = command.type + ":" + command.payload;
  // Whether what came and went was told of at all depends on when the records were read.
  std::erase_if(last, [](const auto& entry) {
    return absl::StrContains(entry.second.substr(0, entry.second.find(':')), ".Forget");
  });
  return last;
}

std::map<std::string, std::string> LastContentsOfTheFileFeed(const Fixture& fixture) {
  const auto kv = store::NewMemoryKeyValue();
  cdc_test::CollectingSink sink;
  cdc_test::StillClock clock;
  cdc_test::Rig rig(fixture, kv.get(), &sink, &clock);
  EXPECT_EQ(cdc_test::IngestAll(*rig, cdc_test::Views(fixture.records)), absl::OkStatus());
  return LastContents(sink.commands);
}

void MortalKeyValue::Gate::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void MortalKeyValue::Gate::Open() {
  absl::MutexLock lock(&mu_);
  closed_ = false;
}

void MortalKeyValue::Gate::Pass() {
  absl::MutexLock lock(&mu_);
  ++waiting_;
  mu_.Await(absl::Condition(
      +[](bool* closed) { return !*closed; }, &closed_));
  --waiting_;
}

bool MortalKeyValue::Gate::IsHolding() const {
  absl::MutexLock lock(&mu_);
  return closed_ && waiting_ > 0;
}

absl::Status MortalKeyValue::Write(const store::WriteBatch& batch, store::Durability durability) {
  if (death_ == Death::kNever) {
    const absl::Status written = inner_->Write(batch, durability);
    if (gate_ != nullptr) gate_->Pass();
    return written;
  }
  if (left_ == 0) return absl::InternalError("dead");
  if (--left_ > 0) return inner_->Write(batch, durability);
  if (death_ == Death::kAfterTheWrite) {
    const absl::Status status = inner_->Write(batch, durability);
    if (!status.ok()) return status;
  }
  return absl::InternalError("killed");
}

absl::Status Instance::Start(int writes, MortalKeyValue::Death death) {
  live_.reset();
  beneficiary::LiveGatewayOptions options = options_;
  options.open_rows = [this, writes,
                       death](const std::string& instance) -> absl::StatusOr<std::unique_ptr<store::KeyValue>> {
    std::unique_ptr<store::KeyValue>& kv = stores_[instance];
    if (kv == nullptr) kv = store::NewMemoryKeyValue();
    if (death == MortalKeyValue::Death::kNever) return std::make_unique<MortalKeyValue>(kv.get(), &gate_);
    return std::make_unique<MortalKeyValue>(kv.get(), writes, death);
  };
  auto live = LiveGateway::Start(bus_, std::move(options));
  if (!live.ok()) return live.status();
  live_ = *std::move(live);
  return absl::OkStatus();
}

bool Instance::HasReadAll() {
  if (asking_ == nullptr) asking_ = *bus_.NewConsumer({.name = "ends"});
  // The ends first: what is read after them is more, not less.
  std::map<bus::TopicPartition, bus::Offset> ends;
  for (const bus::PartitionProgress& progress : live_->status().partitions) {
    const auto range = asking_->Offsets(progress.partition, absl::Seconds(10));
    if (!range.ok()) return false;
    ends[progress.partition] = range->end;
  }
  const beneficiary::LiveGatewayStatus status = live_->status();
  if (!status.caught_up) return false;
  for (const bus::PartitionProgress& progress : status.partitions) {
    const auto end = ends.find(progress.partition);
    if (end == ends.end() || progress.next < end->second) return false;
  }
  return true;
}

bool Instance::IsQuiet() {
  if (!HasReadAll()) return false;
  // What was read is applied a round later.
  const std::uint64_t seen = live_->status().rounds;
  if (!Eventually([&] { return live_->status().rounds >= seen + 2 || IsStopped(); }, absl::Seconds(20))) return false;
  for (const auto& instance : live_->status().instances) {
    const cdc::GatewayCounters& c = instance.counters;
    if (c.outbox > 0 || c.dirty > 0 || c.open_transactions > 0) return false;
  }
  return HasReadAll();  // what it has published by now too
}

}  // namespace daybook::live_test
