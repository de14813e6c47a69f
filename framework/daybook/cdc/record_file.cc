#include "daybook/cdc/record_file.h"

#include <simdjson.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::cdc {
namespace {

namespace json = simdjson::ondemand;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kBatchBytesMax = 4 * 1024 * 1024;

// A stretch of RecordBatch::bytes_, which moves while it grows.
struct Stretch {
  std::size_t begin = 0;
  std::size_t size = 0;
};

struct RawRecord {
  Stretch topic;
  std::int64_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<Stretch> key;
  std::optional<Stretch> value;
  std::vector<std::pair<Stretch, Stretch>> headers;
};

Stretch Keep(std::string_view text, std::string& bytes) {
  const Stretch stretch{bytes.size(), text.size()};
  bytes.append(text);
  return stretch;
}

absl::Status Bad(std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(member), ": ", ToAbsl(what)));
}

// Text, or null for "no key" and "no value".
absl::Status ReadText(std::string_view member, json::value value, std::string& bytes, std::optional<Stretch>& out) {
  bool null = false;
  if (value.is_null().get(null) == simdjson::SUCCESS && null) return absl::OkStatus();
  std::string_view text;
  if (const auto error = value.get_string().get(text); error != simdjson::SUCCESS) {
    return Bad(member,
               error == simdjson::INCORRECT_TYPE ? "expected a string or null" : simdjson::error_message(error));
  }
  out = Keep(text, bytes);
  return absl::OkStatus();
}

absl::Status ReadBase64(std::string_view member, json::value value, std::string& bytes, std::optional<Stretch>& out) {
  std::string_view text;
  std::string raw;
  if (value.get_string().get(text) != simdjson::SUCCESS || !absl::Base64Unescape(ToAbsl(text), &raw)) {
    return Bad(member, "expected base64");
  }
  out = Keep(raw, bytes);
  return absl::OkStatus();
}

absl::Status ReadNumber(std::string_view member, json::value value, std::int64_t& out) {
  if (value.get_int64().get(out) != simdjson::SUCCESS) return Bad(member, "expected a whole number");
  return absl::OkStatus();
}

absl::Status ReadHeaders(json::value value, std::string& bytes, RawRecord& record) {
  json::array list;
  bool null = false;
  if (value.is_null().get(null) == simdjson::SUCCESS && null) return absl::OkStatus();
  if (value.get_array().get(list) != simdjson::SUCCESS) return Bad("headers", "expected a list");
  for (auto element : list) {
    json::array pair;
    if (element.get_array().get(pair) != simdjson::SUCCESS) return Bad("headers", "expected [name, value]");
    std::optional<Stretch> parts[2];
    std::size_t count = 0;
    for (auto part : pair) {
      json::value text;
      if (count == 2 || std::move(part).get(text) != simdjson::SUCCESS) {
        return Bad("headers", "expected [name, value]");
      }
      DAYBOOK_RETURN_IF_ERROR(ReadText("headers", text, bytes, parts[count++]));
    }
    if (!parts[0]) return Bad("headers", "expected [name, value]");
    record.headers.emplace_back(*parts[0], parts[1].value_or(Stretch{}));
  }
  return absl::OkStatus();
}

absl::Status ReadLine(json::parser& parser, simdjson::padded_string_view line, std::string& bytes, RawRecord& record) {
  json::document document;
  json::object object;
  if (const auto error = parser.iterate(line).get(document); error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(simdjson::error_message(error));
  }
  if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("expected a JSON object");
  }
  std::optional<Stretch> topic;
  bool has_partition = false;
  bool has_offset = false;
  for (auto member : object) {
    json::field field;
    if (const auto error = std::move(member).get(field); error != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(simdjson::error_message(error));
    }
    const json::raw_json_string name = field.key();
    json::value value = field.value();
    absl::Status status;
    if (name == "topic") {
      status = ReadText("topic", value, bytes, topic);
    } else if (name == "partition") {
      status = ReadNumber("partition", value, record.partition);
      has_partition = true;
    } else if (name == "offset") {
      status = ReadNumber("offset", value, record.offset);
      has_offset = true;
    } else if (name == "timestamp") {
      status = ReadNumber("timestamp", value, record.timestamp_ms);
    } else if (name == "key") {
      status = ReadText("key", value, bytes, record.key);
    } else if (name == "value") {
      status = ReadText("value", value, bytes, record.value);
    } else if (name == "key_base64") {
      status = ReadBase64("key_base64", value, bytes, record.key);
    } else if (name == "value_base64") {
      status = ReadBase64("value_base64", value, bytes, record.value);
    } else if (name == "headers") {
      status = ReadHeaders(value, bytes, record);
    }
    DAYBOOK_RETURN_IF_ERROR(status);
  }
  if (!topic || topic->size == 0) return Bad("topic", "missing");
  if (!has_partition || record.partition < 0 || record.partition > INT32_MAX) return Bad("partition", "missing");
  if (!has_offset || record.offset < 0) return Bad("offset", "missing");
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return absl::InvalidArgumentError("more than one JSON value on the line");
  }
  record.topic = *topic;
  return absl::OkStatus();
}

}  // namespace

struct RecordFile::Impl {
  ~Impl() {
    if (file != nullptr) gzclose(file);
  }

  absl::Status Fill();
  absl::StatusOr<bool> NextLine(std::string_view& line, bool& too_long);
  absl::Status Damaged(std::string_view what) const {
    return absl::DataLossError(absl::StrCat(path, " after line ", progress.lines, ": ", ToAbsl(what)));
  }
  void AddRecord(const RawRecord& raw);

  std::string path;
  RecordFileOptions options;
  gzFile file = nullptr;
  std::string buffer;  // [begin, end) is unread; simdjson may look past the end, so there is always room behind it
  std::size_t begin = 0;
  std::size_t end = 0;
  bool at_end = false;
  json::parser parser;
  std::vector<RawRecord> raw;
  RecordFileProgress progress;
};

absl::Status RecordFile::Impl::Fill() {
  if (begin > 0) {
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  if (buffer.size() < end + kReadBytes + simdjson::SIMDJSON_PADDING) {
    buffer.resize(std::max(buffer.size() * 2, end + kReadBytes + simdjson::SIMDJSON_PADDING));
  }
  const std::size_t room = buffer.size() - end - simdjson::SIMDJSON_PADDING;
  const int got = gzread(file, buffer.data() + end, static_cast<unsigned>(room));
  if (got < 0) {
    int code = 0;
    return Damaged(gzerror(file, &code));
  }
  end += static_cast<std::size_t>(got);
  if (static_cast<std::size_t>(got) < room) {
    int code = Z_OK;
    const char* message = gzerror(file, &code);
    if (code == Z_BUF_ERROR) return Damaged("the gzip stream ends too early");
    if (code != Z_OK && code != Z_STREAM_END) return Damaged(message);
    at_end = true;
  }
  const z_off_t offset = gzoffset(file);
  if (offset > 0) progress.bytes_read = static_cast<std::uint64_t>(offset);
  return absl::OkStatus();
}

// False at the end. A line over the limit is given cut to the limit, and its rest is skipped.
absl::StatusOr<bool> RecordFile::Impl::NextLine(std::string_view& line, bool& too_long) {
  too_long = false;
  std::size_t searched = 0;
  while (true) {
    const void* newline = std::memchr(buffer.data() + begin + searched, '\n', end - begin - searched);
    if (newline != nullptr) {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - (buffer.data() + begin));
      line = std::string_view(buffer.data() + begin, size);
      begin += size + 1;
      too_long = line.size() > options.line_bytes_max;
      return true;
    }
    if (at_end) {
      if (begin == end) return false;
      line = std::string_view(buffer.data() + begin, end - begin);
      begin = end;
      too_long = line.size() > options.line_bytes_max;
      return true;
    }
    searched = end - begin;
    if (searched > options.line_bytes_max) break;
    DAYBOOK_RETURN_IF_ERROR(Fill());
  }
  too_long = true;
  const std::string head(buffer.data() + begin, std::min(end - begin, options.bad_line_bytes_max));
  const void* newline = nullptr;
  while (newline == nullptr && !at_end) {
    begin = end = 0;
    DAYBOOK_RETURN_IF_ERROR(Fill());
    newline = std::memchr(buffer.data(), '\n', end);
  }
  // The head is put back in front of what is unread, so that the view has a place to live.
  const std::size_t rest =
      newline == nullptr ? end : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer.data()) + 1;
  const std::string unread(buffer.data() + rest, end - rest);
  buffer.resize(std::max(buffer.size(), head.size() + unread.size() + simdjson::SIMDJSON_PADDING));
  std::memcpy(buffer.data(), head.data(), head.size());
  std::memcpy(buffer.data() + head.size(), unread.data(), unread.size());
  line = std::string_view(buffer.data(), head.size());
  begin = head.size();
  end = head.size() + unread.size();
  return true;
}

RecordFile::RecordFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecordFile::~RecordFile() = default;

absl::StatusOr<std::unique_ptr<RecordFile>> RecordFile::Open(const std::string& path, RecordFileOptions options) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  if (S_ISDIR(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, " is a directory"));
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->options = options;
  impl->progress.bytes_total = static_cast<std::uint64_t>(info.st_size);
  errno = 0;
  impl->file = gzopen(path.c_str(), "rb");
  if (impl->file == nullptr) {
    return absl::ErrnoToStatus(errno == 0 ? ENOMEM : errno, absl::StrCat("cannot open ", path));
  }
  gzbuffer(impl->file, kReadBytes);
  return std::unique_ptr<RecordFile>(new RecordFile(std::move(impl)));
}

absl::StatusOr<bool> RecordFile::Read(std::size_t lines_max, RecordBatch& batch) {
  batch.records_.clear();
  batch.bad_lines_.clear();
  batch.bytes_.clear();
  impl_->raw.clear();
  std::size_t lines = 0;
  while (lines < lines_max && batch.bytes_.size() < kBatchBytesMax) {
    std::string_view line;
    bool too_long = false;
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, impl_->NextLine(line, too_long));
    if (!more) break;
    ++lines;
    ++impl_->progress.lines;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    RawRecord raw;
    const std::size_t mark = batch.bytes_.size();
    const absl::Status status =
        too_long
            ? absl::OutOfRangeError(absl::StrCat("longer than ", impl_->options.line_bytes_max, " bytes"))
            : ReadLine(impl_->parser,
                       simdjson::padded_string_view(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING),
                       batch.bytes_, raw);
    if (status.ok()) {
      impl_->raw.push_back(std::move(raw));
      continue;
    }
    batch.bytes_.resize(mark);
    batch.bad_lines_.push_back({impl_->progress.lines, std::string(line.substr(0, impl_->options.bad_line_bytes_max)),
                                Annotate(status, absl::StrCat(impl_->path, ":", impl_->progress.lines))});
  }
  const auto view = [&batch](const Stretch& s) { return std::string_view(batch.bytes_).substr(s.begin, s.size); };
  for (const RawRecord& raw : impl_->raw) {
    Record& record = batch.records_.emplace_back();
    record.topic = view(raw.topic);
    record.partition = static_cast<std::int32_t>(raw.partition);
    record.offset = raw.offset;
    record.timestamp_ms = raw.timestamp_ms;
    if (raw.key) record.key = view(*raw.key);
    if (raw.value) record.value = view(*raw.value);
    for (const auto& [name, value] : raw.headers) record.headers.push_back({view(name), view(value)});
  }
  impl_->progress.records += batch.records_.size();
  return lines > 0;
}

RecordFileProgress RecordFile::progress() const { return impl_->progress; }

}  // namespace daybook::cdc
