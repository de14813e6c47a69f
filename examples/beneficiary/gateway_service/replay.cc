#include "beneficiary/gateway_service/replay.h"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/gateway_service/output_records.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace bus = daybook::bus;
using daybook::Clock;

namespace {

// Calls `use` with every record that is in the topic now.
absl::Status ForEach(bus::Bus& bus, const std::string& topic, absl::Duration deadline,
                     const std::function<absl::Status(const bus::Record&)>& use) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Consumer> consumer, bus.NewConsumer({.name = "replay"}));
  const auto left = [deadline] { return deadline - Clock::System().Monotonic(); };
  DAYBOOK_ASSIGN_OR_RETURN(const std::int32_t count, consumer->PartitionCount(topic, left()));
  std::vector<bus::Start> starts;
  for (std::int32_t partition = 0; partition < count; ++partition) {
    starts.push_back({{topic, bus::BusPartition(partition)}, bus::Offset(), std::nullopt});
  }
  DAYBOOK_RETURN_IF_ERROR(consumer->Assign(starts, left()));
  while (!consumer->CaughtUp()) {
    DAYBOOK_ASSIGN_OR_RETURN(const bus::RecordBatch batch, consumer->Poll({}));
    for (const bus::Record& record : batch.records()) DAYBOOK_RETURN_IF_ERROR(use(record));
    if (left() < absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(topic, " was not read to its end in time"));
    }
  }
  return absl::OkStatus();
}

absl::Status MakeReplayTopic(bus::Bus& bus, const std::string& topic, absl::Duration timeout) {
  const absl::Status made =
      bus.admin().CreateTopic({.topic = topic, .partitions = 1, .config = {{"retention.ms", "-1"}}}, timeout);
  return absl::IsAlreadyExists(made) ? absl::OkStatus() : made;
}

}  // namespace

absl::StatusOr<ReplayReport> ReplayDeadLetters(bus::Bus& bus, const BosSource& source, const std::string& topic,
                                               absl::Duration timeout) {
  const std::vector<std::string> captured = CapturedTopics(source);
  if (std::find(captured.begin(), captured.end(), topic) == captured.end()) {
    return absl::NotFoundError(absl::StrCat(topic, " is no captured topic of BOS ", source.instance));
  }
  const absl::Duration deadline = Clock::System().Monotonic() + timeout;
  const std::string replay = ReplayTopic(source);
  DAYBOOK_RETURN_IF_ERROR(MakeReplayTopic(bus, replay, timeout));
  std::set<daybook::Uuid> sent_before;
  DAYBOOK_RETURN_IF_ERROR(ForEach(bus, replay, deadline, [&](const bus::Record& record) {
    if (const auto letter = ReadBackDeadLetter(record)) sent_before.insert(letter->id);
    return absl::OkStatus();
  }));
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Producer> producer,
                           bus.NewProducer({.name = "replay", .topics = {replay}}));
  ReplayReport report;
  absl::Mutex mu;
  absl::Status failed;
  DAYBOOK_RETURN_IF_ERROR(ForEach(bus, DeadLetterTopic(topic), deadline, [&](const bus::Record& record) {
    const auto letter = ReadBackDeadLetter(record);
    if (letter && sent_before.contains(letter->id)) {
      ++report.sent_before;
      return absl::OkStatus();
    }
    ++report.sent;
    const bus::OutgoingRecord back{.topic = replay,
                                   .partition = bus::BusPartition(0),
                                   .key = record.key,
                                   .value = record.value,
                                   .headers = record.headers,
                                   .timestamp = record.timestamp};
    return producer->Send(back, [&](const absl::StatusOr<bus::Delivery>& sent) {
      absl::MutexLock lock(&mu);
      failed.Update(sent.status());
    });
  }));
  DAYBOOK_RETURN_IF_ERROR(producer->Flush(deadline - Clock::System().Monotonic()));
  absl::MutexLock lock(&mu);
  DAYBOOK_RETURN_IF_ERROR(failed);
  return report;
}

}  // namespace beneficiary
