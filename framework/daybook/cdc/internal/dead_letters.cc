#include "daybook/cdc/internal/dead_letters.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/internal/json_text.h"

namespace daybook::cdc::internal {
namespace {

// "name":"text", or "name_base64":"…" for bytes that are not text.
void AppendMember(std::string_view name, std::string_view bytes, std::string& out) {
  if (IsValidUtf8(bytes)) {
    absl::StrAppend(&out, "\"", ToAbsl(name), "\":");
    AppendJsonString(bytes, out);
  } else {
    absl::StrAppend(&out, "\"", ToAbsl(name), "_base64\":\"", absl::Base64Escape(ToAbsl(bytes)), "\"");
  }
}

std::string Printable(std::string_view bytes) {
  return IsValidUtf8(bytes) ? std::string(bytes) : absl::Base64Escape(ToAbsl(bytes));
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

DeadLetters::DeadLetters(std::string directory, std::string name)
    : directory_(std::move(directory)), path_(absl::StrCat(directory_, "/", name, ".ndjson")) {}

DeadLetters::~DeadLetters() {
  if (file_ >= 0) ::close(file_);
}

void DeadLetters::Finish(const absl::Status& why, Timestamp now) {
  lines_.append(",\"error\":{\"code\":");
  AppendJsonString(absl::StatusCodeToString(why.code()), lines_);
  lines_.append(",\"message\":");
  AppendJsonString(Printable(ToStd(why.message())), lines_);
  absl::StrAppend(&lines_, ",\"time\":\"", FormatTimestamp(now), "\"}}\n");
}

void DeadLetters::AddRecord(const Record& record, const absl::Status& why, Timestamp now) {
  lines_.push_back('{');
  AppendMember("topic", record.topic, lines_);
  absl::StrAppend(&lines_, ",\"partition\":", record.partition, ",\"offset\":", record.offset,
                  ",\"timestamp\":", record.timestamp_ms, ",");
  if (record.key) {
    AppendMember("key", *record.key, lines_);
  } else {
    lines_.append("\"key\":null");
  }
  lines_.push_back(',');
  if (record.value) {
    AppendMember("value", *record.value, lines_);
  } else {
    lines_.append("\"value\":null");
  }
  lines_.append(",\"headers\":[");
  bool first = true;
  for (const RecordHeader& header : record.headers) {
    if (!first) lines_.push_back(',');
    first = false;
    lines_.push_back('[');
    AppendJsonString(Printable(header.name), lines_);
    lines_.push_back(',');
    AppendJsonString(Printable(header.value), lines_);
    lines_.push_back(']');
  }
  lines_.push_back(']');
  Finish(why, now);
}

void DeadLetters::AddLine(std::string_view raw, std::string_view place, const absl::Status& why, Timestamp now) {
  lines_.push_back('{');
  AppendMember("line", raw, lines_);
  lines_.push_back(',');
  AppendMember("place", place, lines_);
  Finish(why, now);
}

void DeadLetters::AddAggregate(std::string_view aggregate, std::string_view key, const absl::Status& why,
                               Timestamp now) {
  lines_.push_back('{');
  AppendMember("aggregate", aggregate, lines_);
  lines_.push_back(',');
  AppendMember("aggregate_key", key, lines_);
  Finish(why, now);
}

void DeadLetters::AddCommand(const Command& command, const absl::Status& why, Timestamp now) {
  lines_.push_back('{');
  AppendMember("command_id", command.id.ToString(), lines_);
  lines_.push_back(',');
  AppendMember("stream", command.stream.text(), lines_);
  lines_.push_back(',');
  AppendMember("type", command.type, lines_);
  absl::StrAppend(&lines_, ",\"command_base64\":\"", absl::Base64Escape(command.payload), "\"");
  Finish(why, now);
}

absl::Status DeadLetters::Sync() {
  if (lines_.empty()) return absl::OkStatus();
  if (file_ < 0) {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) return absl::UnavailableError(absl::StrCat("cannot create ", directory_, ": ", error.message()));
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (file_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path_));
  }
  while (!lines_.empty()) {
    const ssize_t written = ::write(file_, lines_.data(), lines_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path_));
    lines_.erase(0, static_cast<std::size_t>(written));
  }
  if (::fdatasync(file_) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", path_));
  return absl::OkStatus();
}

}  // namespace daybook::cdc::internal
