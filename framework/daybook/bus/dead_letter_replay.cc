#include "daybook/bus/dead_letter_replay.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/dead_letter.h"

namespace daybook::bus {
namespace {

constexpr std::string_view kAdded = "__connect.errors.";

absl::Duration Now() { return Clock::System().Monotonic(); }

// Calls `use` with every record that the topic holds now.
absl::Status ForEach(Bus& bus, const std::string& topic, absl::Duration deadline,
                     const std::function<absl::Status(const Record&)>& use) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Consumer> consumer, bus.NewConsumer({.name = "replay"}));
  DAYBOOK_ASSIGN_OR_RETURN(const std::int32_t count, consumer->PartitionCount(topic, deadline - Now()));
  std::vector<Start> starts;
  for (std::int32_t number = 0; number < count; ++number) {
    starts.push_back({.partition = {topic, BusPartition(number)}, .next = Offset(), .last = std::nullopt});
  }
  DAYBOOK_RETURN_IF_ERROR(consumer->Assign(starts, deadline - Now()));
  while (!consumer->CaughtUp()) {
    DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch, consumer->Poll({}));
    for (const Record& record : batch.records()) DAYBOOK_RETURN_IF_ERROR(use(record));
    if (Now() > deadline) return absl::DeadlineExceededError(absl::StrCat(topic, " was not read to its end in time"));
  }
  return absl::OkStatus();
}

// The last record of a key.
struct Last {
  Offset offset;
  Timestamp timestamp;
};

// The last header of this name: what stands before may be the record's own.
std::optional<std::int64_t> NumberIn(const Record& letter, std::string_view name) {
  std::optional<std::int64_t> found;
  for (const Header& header : letter.headers) {
    std::int64_t number = 0;
    if (header.name == name && absl::SimpleAtoi(ToAbsl(header.value.value_or("")), &number)) found = number;
  }
  return found;
}

// By its place; and by its time, for the topic may have been made anew since.
bool IsOvertaken(const Record& letter, const std::map<std::string, Last, std::less<>>& lasts) {
  const auto last = lasts.find(*letter.key);
  if (last == lasts.end()) return false;
  const std::optional<std::int64_t> offset = NumberIn(letter, "__connect.errors.offset");
  return !offset.has_value() || last->second.offset > Offset(*offset) || last->second.timestamp > letter.timestamp;
}

OutgoingRecord AsItWas(const Record& letter, const std::string& topic, HeaderList& headers) {
  headers.Clear();
  for (const Header& header : letter.headers) {
    if (header.name.starts_with(kAdded)) continue;
    if (header.value.has_value()) {
      headers.Add(header.name, *header.value);
    } else {
      headers.AddNull(header.name);
    }
  }
  return {.topic = topic,
          .partition = std::nullopt,
          .key = letter.key,
          .value = letter.value,
          .headers = headers.view(),
          .timestamp = std::nullopt};
}

}  // namespace

absl::StatusOr<ReplayReport> ReplayDeadLetters(Bus& bus, std::string_view topic, absl::Duration timeout) {
  const absl::Duration deadline = Now() + timeout;
  const std::string name(topic);
  std::map<std::string, Last, std::less<>> lasts;  // one key lies in one partition
  DAYBOOK_RETURN_IF_ERROR(ForEach(bus, name, deadline, [&](const Record& record) {
    if (record.key.has_value()) lasts[std::string(*record.key)] = {record.offset, record.timestamp};
    return absl::OkStatus();
  }));
  ReplayReport report;
  HeaderList headers;
  absl::Mutex mu;
  absl::Status failed;
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Producer> producer,
                           bus.NewProducer({.name = "replay", .topics = {name}}));
  DAYBOOK_RETURN_IF_ERROR(ForEach(bus, DeadLetterTopic(topic), deadline, [&](const Record& letter) -> absl::Status {
    if (!letter.key.has_value()) {
      ++report.without_key;
      return absl::OkStatus();
    }
    if (IsOvertaken(letter, lasts)) {
      ++report.overtaken;
      return absl::OkStatus();
    }
    ++report.sent;
    DAYBOOK_RETURN_IF_ERROR(producer->WaitForRoom(letter.value.value_or("").size() + 4096, deadline - Now()));
    return producer->Send(AsItWas(letter, name, headers), [&](const absl::StatusOr<Delivery>& delivery) {
      absl::MutexLock lock(&mu);
      failed.Update(delivery.status());
    });
  }));
  DAYBOOK_RETURN_IF_ERROR(producer->Flush(deadline - Now()));
  absl::MutexLock lock(&mu);
  DAYBOOK_RETURN_IF_ERROR(failed);
  return report;
}

}  // namespace daybook::bus
