#include "backlog/recorded_backlog.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/record_file.h"

namespace daybook::bench {
namespace {

enum class Kind { kId, kLsn, kTransaction, kClient };
constexpr std::size_t kKinds = 4;
constexpr std::size_t kDigitsMax = 20;
constexpr std::size_t kClientDigits = 6;
constexpr std::string_view kClientPrefix = "EBPCLI";
constexpr std::string_view kHeartbeats = "__debezium-heartbeat";

struct Range {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t greatest = 0;

  void Take(std::uint64_t number) {
    least = std::min(least, number);
    greatest = std::max(greatest, number);
  }
  std::uint64_t Length() const { return greatest < least ? 1 : greatest - least + 1; }
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t DigitsAt(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && IsDigit(text[end])) ++end;
  return end - at;
}

// The name of the member whose colon is at `colon`; "" if there is none. A quote inside a text is escaped, so that the
// bytes of a name with its quotes are never a part of one.
std::string_view NameBefore(std::string_view text, std::size_t colon) {
  if (colon < 2 || text[colon - 1] != '"') return "";
  const std::size_t open = text.rfind('"', colon - 2);
  return open == std::string_view::npos ? "" : text.substr(open + 1, colon - open - 2);
}

bool IsKey(std::string_view name) { return name == "id" || absl::EndsWith(ToAbsl(name), "_id"); }

}  // namespace

// A text with places for numbers.
struct RecordedBacklog::Text {
  struct Place {
    std::size_t before = 0;  // bytes of `fixed` that come before it
    Kind kind = Kind::kId;
    std::uint64_t number = 0;
  };

  std::string fixed;
  std::vector<Place> places;

  static Text Of(std::string_view text);
  void Note(std::array<Range, kKinds>& ranges) const;
  std::string_view AppendTo(std::string& out, std::uint64_t copy, const Strides& strides) const;
  std::size_t BytesMax() const { return fixed.size() + kDigitsMax * places.size(); }

 private:
  // Takes the digits at `at` as a number to be moved, and returns where they end.
  std::size_t Cut(std::string_view text, std::size_t& copied, std::size_t at, Kind kind);
};

struct RecordedBacklog::Template {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<Text> key;
  std::optional<Text> value;
  std::vector<std::pair<std::string, Text>> headers;
};

struct RecordedBacklog::Strides {
  std::array<Range, kKinds> ranges;
  std::array<std::uint64_t, kKinds> by_kind = {};
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> offsets;  // records of each partition
};

std::size_t RecordedBacklog::Text::Cut(std::string_view text, std::size_t& copied, std::size_t at, Kind kind) {
  const std::size_t digits = DigitsAt(text, at);
  std::uint64_t number = 0;
  std::from_chars(text.data() + at, text.data() + at + digits, number);
  if (number == 0) return at + digits;  // a zero value in the image of a deleted row, no key
  fixed.append(text.substr(copied, at - copied));
  places.push_back({fixed.size(), kind, number});
  copied = at + digits;
  return copied;
}

RecordedBacklog::Text RecordedBacklog::Text::Of(std::string_view text) {
  Text out;
  std::size_t copied = 0;
  for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
    const std::string_view name = NameBefore(text, colon);
    const std::string_view rest = text.substr(colon + 1);
    std::size_t at = colon + 1;
    if (rest.empty()) break;
    if (IsKey(name) && IsDigit(rest[0])) {
      out.Cut(text, copied, at, Kind::kId);
    } else if (name == "id" && rest[0] == '"' && rest.size() > 1 && IsDigit(rest[1])) {  // "transaction:lsn"
      at = out.Cut(text, copied, at + 1, Kind::kTransaction);
      if (at < text.size() && text[at] == ':') out.Cut(text, copied, at + 1, Kind::kLsn);
    } else if (name == "lsn" && IsDigit(rest[0])) {
      out.Cut(text, copied, at, Kind::kLsn);
    } else if (name == "txId" && IsDigit(rest[0])) {
      out.Cut(text, copied, at, Kind::kTransaction);
    } else if (name == "sequence") {
      for (; at < text.size() && text[at] != ']'; ++at) {
        if (IsDigit(text[at])) at = out.Cut(text, copied, at, Kind::kLsn) - 1;
      }
    } else if (name == "client_ref" && absl::StartsWith(ToAbsl(rest), absl::StrCat("\"", ToAbsl(kClientPrefix)))) {
      out.Cut(text, copied, at + 1 + kClientPrefix.size(), Kind::kClient);
    }
  }
  out.fixed.append(text.substr(copied));
  return out;
}

void RecordedBacklog::Text::Note(std::array<Range, kKinds>& ranges) const {
  for (const Place& place : places) ranges[static_cast<std::size_t>(place.kind)].Take(place.number);
}

// `out` has room, so that what was appended before stays where it is.
std::string_view RecordedBacklog::Text::AppendTo(std::string& out, std::uint64_t copy, const Strides& strides) const {
  const std::size_t begin = out.size();
  std::size_t copied = 0;
  for (const Place& place : places) {
    out.append(fixed, copied, place.before - copied);
    copied = place.before;
    std::array<char, kDigitsMax> digits{};
    const std::uint64_t number = place.number + copy * strides.by_kind[static_cast<std::size_t>(place.kind)];
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    const auto count = static_cast<std::size_t>(end - digits.data());
    if (place.kind == Kind::kClient && count < kClientDigits) out.append(kClientDigits - count, '0');
    out.append(digits.data(), count);
  }
  out.append(fixed, copied, std::string::npos);
  return std::string_view(out).substr(begin);
}

RecordedBacklog::RecordedBacklog() : strides_(std::make_unique<Strides>()) {}
RecordedBacklog::~RecordedBacklog() = default;

absl::Status RecordedBacklog::Add(const cdc::Record& record) {
  if (record.topic.starts_with(kHeartbeats)) return absl::OkStatus();
  std::int64_t& next = strides_->offsets[{std::string(record.topic), record.partition}];
  if (record.offset != next) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(record.topic), "/", record.partition, " goes on at offset ",
                                                   record.offset, " instead of ", next));
  }
  ++next;
  std::int32_t& partitions = partition_counts_[std::string(record.topic)];
  partitions = std::max(partitions, record.partition + 1);
  Template& made = templates_.emplace_back();
  made.topic = std::string(record.topic);
  made.partition = record.partition;
  made.offset = record.offset;
  made.timestamp_ms = record.timestamp_ms;
  if (record.key) made.key = Text::Of(*record.key);
  if (record.value) made.value = Text::Of(*record.value);
  for (const cdc::RecordHeader& header : record.headers) {
    made.headers.emplace_back(std::string(header.name), Text::Of(header.value));
  }
  return absl::OkStatus();
}

absl::Status RecordedBacklog::Finish() {
  if (templates_.empty()) return absl::InvalidArgumentError("the recording is empty");
  for (const Template& one : templates_) {
    for (const std::optional<Text>* text : {&one.key, &one.value}) {
      if (!text->has_value()) continue;
      (*text)->Note(strides_->ranges);
      bytes_max_ += (*text)->BytesMax();
    }
    for (const auto& [name, value] : one.headers) {
      value.Note(strides_->ranges);
      bytes_max_ += value.BytesMax();
    }
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) strides_->by_kind[kind] = strides_->ranges[kind].Length();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RecordedBacklog>> RecordedBacklog::Open(const std::string& path) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<cdc::RecordFile> file, cdc::RecordFile::Open(path));
  std::unique_ptr<RecordedBacklog> backlog(new RecordedBacklog());
  cdc::RecordBatch batch;
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, file->Read(1000, batch));
    if (!more) break;
    if (!batch.bad_lines().empty()) return batch.bad_lines().front().why;
    for (const cdc::Record& record : batch.records()) DAYBOOK_RETURN_IF_ERROR(Annotate(backlog->Add(record), path));
  }
  DAYBOOK_RETURN_IF_ERROR(Annotate(backlog->Finish(), path));
  return backlog;
}

std::size_t RecordedBacklog::records_per_copy() const { return templates_.size(); }

std::uint64_t RecordedBacklog::client_stride() const {
  return strides_->by_kind[static_cast<std::size_t>(Kind::kClient)];
}

void RecordedBacklog::Make(std::uint64_t number, Copy& copy) const {
  copy.bytes_.clear();
  copy.bytes_.reserve(bytes_max_);
  copy.records_.resize(templates_.size());
  for (std::size_t i = 0; i < templates_.size(); ++i) {
    const Template& from = templates_[i];
    cdc::Record& to = copy.records_[i];
    to.topic = from.topic;
    to.partition = from.partition;
    to.offset =
        from.offset + static_cast<std::int64_t>(number) * strides_->offsets.find({from.topic, from.partition})->second;
    to.timestamp_ms = from.timestamp_ms;
    to.key.reset();
    to.value.reset();
    if (from.key) to.key = from.key->AppendTo(copy.bytes_, number, *strides_);
    if (from.value) to.value = from.value->AppendTo(copy.bytes_, number, *strides_);
    to.headers.clear();
    for (const auto& [name, value] : from.headers) {
      to.headers.push_back({name, value.AppendTo(copy.bytes_, number, *strides_)});
    }
  }
}

}  // namespace daybook::bench
