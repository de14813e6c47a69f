#include "daybook/bus/dead_letter_replay.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/bus/dead_letter.h"

namespace daybook::bus {
namespace {

// The last record of a key.
struct Last {
  Offset offset;
  Timestamp timestamp;
};

// By its place; and by its time, for the topic may have been made anew since.
bool IsOvertaken(const Record& letter, const std::map<std::string, Last, std::less<>>& lasts) {
  const auto last = lasts.find(*letter.key);
  if (last == lasts.end()) return false;
  const std::optional<RecordPlace> place = PlaceOfLetter(letter);
  return !place.has_value() || last->second.offset > place->offset || last->second.timestamp > letter.timestamp;
}

OutgoingRecord AsItWas(const Record& letter, const std::string& topic, HeaderList& headers) {
  headers.Clear();
  for (const Header& header : letter.headers) {
    if (header.name.starts_with(kLetterHeaderPrefix)) continue;
    headers.Add(header);
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
  const absl::Duration deadline = MonotonicNow() + timeout;
  const std::string name(topic);
  std::map<std::string, Last, std::less<>> lasts;  // one key lies in one partition
  DAYBOOK_RETURN_IF_ERROR(ForEachRecord(bus, name, deadline - MonotonicNow(), [&](const Record& record) {
    if (record.key.has_value()) lasts[std::string(*record.key)] = {record.offset, record.timestamp};
    return absl::OkStatus();
  }));
  ReplayReport report;
  HeaderList headers;
  absl::Mutex mu;
  absl::Status failed;
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Producer> producer,
                           bus.NewProducer({.name = "replay", .topics = {name}}));
  DAYBOOK_RETURN_IF_ERROR(
      ForEachRecord(bus, DeadLetterTopic(topic), deadline - MonotonicNow(), [&](const Record& letter) -> absl::Status {
        if (!letter.key.has_value()) {
          ++report.without_key;
          return absl::OkStatus();
        }
        if (IsOvertaken(letter, lasts)) {
          ++report.overtaken;
          return absl::OkStatus();
        }
        ++report.sent;
        DAYBOOK_RETURN_IF_ERROR(
            producer->WaitForRoom(letter.value.value_or("").size() + 4096, deadline - MonotonicNow()));
        return producer->Send(AsItWas(letter, name, headers), [&](const absl::StatusOr<Delivery>& delivery) {
          absl::MutexLock lock(&mu);
          failed.Update(delivery.status());
        });
      }));
  DAYBOOK_RETURN_IF_ERROR(producer->Flush(deadline - MonotonicNow()));
  absl::MutexLock lock(&mu);
  DAYBOOK_RETURN_IF_ERROR(failed);
  return report;
}

}  // namespace daybook::bus
