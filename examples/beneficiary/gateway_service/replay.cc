#include "beneficiary/gateway_service/replay.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/gateway_service/output_records.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace bus = daybook::bus;

namespace {

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
  const absl::Duration deadline = daybook::MonotonicNow() + timeout;
  const auto left = [deadline] { return deadline - daybook::MonotonicNow(); };
  const std::string replay = ReplayTopic(source);
  DAYBOOK_RETURN_IF_ERROR(MakeReplayTopic(bus, replay, timeout));
  std::set<daybook::Uuid> sent_before;
  DAYBOOK_RETURN_IF_ERROR(bus::ForEachRecord(bus, replay, left(), [&](const bus::Record& record) {
    if (const auto letter = ReadBackDeadLetter(record)) sent_before.insert(letter->id);
    return absl::OkStatus();
  }));
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Producer> producer,
                           bus.NewProducer({.name = "replay", .topics = {replay}}));
  ReplayReport report;
  absl::Mutex mu;
  absl::Status failed;
  DAYBOOK_RETURN_IF_ERROR(bus::ForEachRecord(bus, DeadLetterTopic(topic), left(), [&](const bus::Record& record) {
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
  DAYBOOK_RETURN_IF_ERROR(producer->Flush(left()));
  absl::MutexLock lock(&mu);
  DAYBOOK_RETURN_IF_ERROR(failed);
  return report;
}

}  // namespace beneficiary
