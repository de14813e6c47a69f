#include "daybook/bus/dead_letter.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::bus {

std::string DeadLetterTopic(std::string_view topic) { return std::string(topic).append(".dlq"); }

OutgoingRecord MakeDeadLetter(const Record& record, const DeadLetterCause& cause, std::string_view dead_letter_topic,
                              HeaderList& headers) {
  headers.Clear();
  for (const Header& header : record.headers) {
    headers.Add(header);
  }
  const std::string reason = ReasonOf(cause.status);
  const auto add = [&](std::string_view name, const std::string& value) {
    headers.Add(std::string(kLetterHeaderPrefix).append(name), value);
  };
  add("topic", std::string(record.topic));
  add("partition", absl::StrCat(record.partition.value()));
  add("offset", absl::StrCat(record.offset.value()));
  add("connector.name", std::string(cause.component));
  add("task.id", "0");
  add("stage", std::string(cause.stage));
  add("exception.class.name",
      absl::StrCat(absl::StatusCodeToString(cause.status.code()), reason.empty() ? "" : ":", reason));
  add("exception.message", std::string(cause.status.message()));
  OutgoingRecord letter;
  letter.topic = dead_letter_topic;
  letter.key = record.key;
  letter.value = record.value;
  letter.headers = headers.view();
  return letter;
}

std::optional<RecordPlace> PlaceOfLetter(const Record& letter) {
  // The last of each name: the record may have been a letter itself.
  std::string_view topic;
  std::string_view partition;
  std::string_view offset;
  for (const auto& [name, value] : letter.headers) {
    if (!name.starts_with(kLetterHeaderPrefix)) continue;
    const std::string_view what = name.substr(kLetterHeaderPrefix.size());
    if (what == "topic") topic = value.value_or("");
    if (what == "partition") partition = value.value_or("");
    if (what == "offset") offset = value.value_or("");
  }
  std::int32_t partition_number = 0;
  std::int64_t offset_number = 0;
  if (topic.empty() || !absl::SimpleAtoi(ToAbsl(partition), &partition_number) ||
      !absl::SimpleAtoi(ToAbsl(offset), &offset_number)) {
    return std::nullopt;
  }
  return RecordPlace{{std::string(topic), BusPartition(partition_number)}, Offset(offset_number)};
}

}  // namespace daybook::bus
