#include "daybook/store/rocks/internal/format.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::store::internal {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio: spreads a small number over all bits
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// Bound to the position, so that a record which lies at another's place is found out too.
std::uint32_t RecordChecksum(std::string_view body, std::uint64_t position) {
  return static_cast<std::uint32_t>((Hash64(body) + position * kGolden) >> 32);
}

std::uint32_t SealOf(std::string_view key, std::string_view value) {
  return static_cast<std::uint32_t>((Hash64(value) + Hash64(key) * kGolden) >> 32);
}

std::size_t VarintSize(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

char* WriteVarint(char* to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

char* WriteBigEndian(char* to, std::uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i, value >>= 8) to[i] = static_cast<char>(value & 0xff);
  return to + size;
}

char* WritePrefixed(char* to, std::string_view bytes) {
  to = WriteVarint(to, bytes.size());
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

constexpr std::string_view kCutShort = "the record is cut short";

// Takes one record off the front of a page; false, and `rest` is as it was, if it is cut short.
bool TakeRecord(std::string_view& rest, std::uint32_t& checksum, std::string_view& body) {
  std::string_view after = rest;
  if (after.size() < sizeof(std::uint32_t)) return false;
  checksum = ReadBigEndian32(after.data());
  after.remove_prefix(sizeof(std::uint32_t));
  if (!ConsumeLengthPrefixed(after, body)) return false;
  rest = after;
  return true;
}

// Keeps the order of the strings: 0x00 becomes 0x00 0xff, and 0x00 0x01 ends it.
void AppendOrdered(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.append("\x00\x01", 2);
}

bool ConsumeOrdered(std::string_view& in, std::string& text) {
  while (!in.empty()) {
    const char c = in.front();
    in.remove_prefix(1);
    if (c != '\0') {
      text.push_back(c);
      continue;
    }
    if (in.empty()) return false;
    const char mark = in.front();
    in.remove_prefix(1);
    if (mark == '\x01') return true;
    if (mark != '\xff') return false;
    text.push_back('\0');
  }
  return false;
}

}  // namespace

void AppendSeal(std::string_view key, std::string& value) { AppendBigEndian32(value, SealOf(key, value)); }

std::optional<std::string_view> OpenSeal(std::string_view key, std::string_view sealed) {
  if (sealed.size() < kSealSize) return std::nullopt;
  const std::string_view value = sealed.substr(0, sealed.size() - kSealSize);
  if (ReadBigEndian32(sealed.data() + value.size()) != SealOf(key, value)) return std::nullopt;
  return value;
}

void SetPositionBytes(Position position, std::string& bytes) {
  bytes.resize(sizeof(std::uint64_t));
  WriteBigEndian(bytes.data(), position.value(), sizeof(std::uint64_t));
}

std::string PositionKey(Position position) {
  std::string key;
  SetPositionBytes(position, key);
  return key;
}

void PageBuilder::Add(const StreamId& stream, Revision revision, std::uint32_t index, std::uint32_t count,
                      const EventData& event, Position position) {
  if (events_++ == 0) records_.resize(kHeaderRoom);
  const std::string& name = stream.text();
  const std::size_t body = VarintSize(index) + VarintSize(count) + VarintSize(revision.value()) +
                           VarintSize(name.size()) + name.size() + VarintSize(event.type.size()) + event.type.size() +
                           VarintSize(event.envelope.size()) + event.envelope.size() + event.data.size();
  const std::size_t start = records_.size();
  records_.resize(start + sizeof(std::uint32_t) + VarintSize(body) + body);
  char* const record = records_.data() + start;
  char* const begin = WriteVarint(record + sizeof(std::uint32_t), body);
  char* to = WriteVarint(begin, index);
  to = WriteVarint(to, count);
  to = WriteVarint(to, revision.value());
  to = WritePrefixed(to, name);
  to = WritePrefixed(to, event.type);
  to = WritePrefixed(to, event.envelope);
  std::memcpy(to, event.data.data(), event.data.size());
  WriteBigEndian(record, RecordChecksum(std::string_view(begin, body), position.value()), sizeof(std::uint32_t));
}

std::string_view PageBuilder::Finish() {
  const std::size_t size = VarintSize(events_);
  const std::size_t start = kHeaderRoom - size;
  WriteVarint(records_.data() + start, events_);
  events_ = 0;
  return std::string_view(records_).substr(start);
}

absl::StatusOr<PageReader> PageReader::Open(std::string_view page, Position last) {
  PageReader reader;
  reader.rest_ = page;
  reader.last_ = last.value();
  reader.next_ = last.value();
  std::uint64_t events = 0;
  if (!ConsumeVarint(reader.rest_, events) || events == 0 || events > last.value()) {
    return reader.Damaged("the head of the page that ends here is not valid");
  }
  reader.next_ = last.value() - events + 1;
  return reader;
}

absl::Status PageReader::Damaged(std::string_view what) const {
  return absl::DataLossError(absl::StrCat("position ", next_, " of the log: ", ToAbsl(what)));
}

absl::Status PageReader::Read(EventView& event) {
  std::string_view rest = rest_;
  std::uint32_t checksum = 0;
  std::string_view body;
  if (!TakeRecord(rest, checksum, body)) return Damaged(kCutShort);
  if (checksum != RecordChecksum(body, next_)) return Damaged("the event's checksum does not fit its bytes");
  std::uint64_t index = 0;
  std::uint64_t count = 0;
  std::uint64_t revision = 0;
  if (!ConsumeVarint(body, index) || !ConsumeVarint(body, count) || !ConsumeVarint(body, revision) ||
      !ConsumeLengthPrefixed(body, event.stream) || !ConsumeLengthPrefixed(body, event.type) ||
      !ConsumeLengthPrefixed(body, event.envelope)) {
    return Damaged("the event's fields are not valid");
  }
  event.data = body;
  event.index = static_cast<std::uint32_t>(index);
  event.count = static_cast<std::uint32_t>(count);
  event.revision = Revision(revision);
  event.position = Position(next_);
  rest_ = rest;
  ++next_;
  return absl::OkStatus();
}

absl::Status PageReader::SkipTo(Position position) {
  std::uint32_t checksum = 0;
  std::string_view body;
  for (; next_ < position.value(); ++next_) {
    if (!TakeRecord(rest_, checksum, body)) return Damaged(kCutShort);
  }
  return absl::OkStatus();
}

void SetIndexKey(std::string_view stream, Revision revision, std::string& key) {
  key.resize(stream.size() + kRevisionSize);
  std::memcpy(key.data(), stream.data(), stream.size());
  WriteBigEndian(key.data() + stream.size(), revision.value(), kRevisionSize);
}

Revision RevisionOfIndexKey(std::string_view key) {
  if (key.size() < kRevisionSize) return Revision();
  return Revision(ReadBigEndian64(key.data() + key.size() - kRevisionSize));
}

std::optional<Position> ParsePositionValue(std::string_view value) {
  if (value.size() != sizeof(std::uint64_t)) return std::nullopt;
  return Position(ReadBigEndian64(value.data()));
}

void SetHeadValue(std::string_view key, const StreamHead& head, std::string& value) {
  value.resize(16);
  WriteBigEndian(WriteBigEndian(value.data(), head.revision.value(), 8), head.position.value(), 8);
  AppendSeal(key, value);
}

std::optional<StreamHead> ParseHeadValue(std::string_view key, std::string_view value) {
  const std::optional<std::string_view> head = OpenSeal(key, value);
  if (!head || head->size() != 16) return std::nullopt;
  return StreamHead{Revision(ReadBigEndian64(head->data())), Position(ReadBigEndian64(head->data() + 8))};
}

void SetOutcomeValue(const OutcomeRow& row, std::string& value) {
  value.clear();
  AppendBigEndian64(value, static_cast<std::uint64_t>(row.decided_at.micros()));
  value.append(row.value);
  AppendSeal(row.command_id.uuid().raw(), value);
}

std::optional<OutcomeRow> ParseOutcome(std::string_view key, std::string_view value) {
  const std::optional<std::string_view> row = OpenSeal(key, value);
  const std::optional<Uuid> id = Uuid::FromBytes(key);
  if (!row || row->size() < 8 || !id) return std::nullopt;
  return OutcomeRow{CommandId(*id), *PeekDecidedAt(*row), std::string(row->substr(8))};
}

std::optional<Timestamp> PeekDecidedAt(std::string_view value) {
  if (value.size() < 8) return std::nullopt;
  return Timestamp::FromMicros(static_cast<std::int64_t>(ReadBigEndian64(value.data())));
}

void SetSnapshotValue(const SnapshotRow& row, std::string& value) {
  value.clear();
  AppendBigEndian64(value, row.revision.value());
  AppendBigEndian64(value, row.position.value());
  AppendBigEndian64(value, row.fingerprint);
  value.append(row.state);
  AppendSeal(row.stream.text(), value);
}

std::optional<SnapshotRow> ParseSnapshot(const StreamId& stream, std::string_view value) {
  if (!OpenSeal(stream.text(), value)) return std::nullopt;
  return ParseSnapshotUnchecked(stream, value);
}

std::optional<SnapshotRow> ParseSnapshotUnchecked(const StreamId& stream, std::string_view value) {
  if (value.size() < 24 + kSealSize) return std::nullopt;
  return SnapshotRow{stream, Revision(ReadBigEndian64(value.data())), Position(ReadBigEndian64(value.data() + 8)),
                     ReadBigEndian64(value.data() + 16), std::string(value.substr(24, value.size() - 24 - kSealSize))};
}

std::string DeadlineKey(const DeadlineRow& row) {
  std::string key;
  AppendBigEndian64(key, static_cast<std::uint64_t>(row.due.micros()) ^ kSignBit);
  AppendOrdered(key, row.owner);
  key.append(row.key);
  return key;
}

std::string DeadlineKeyAfter(Timestamp until) {
  const std::uint64_t due = static_cast<std::uint64_t>(until.micros()) ^ kSignBit;
  std::string key;
  if (due != ~std::uint64_t{0}) AppendBigEndian64(key, due + 1);
  return key;
}

std::string DeadlineValue(std::string_view key, std::string_view payload) {
  std::string value(payload);
  AppendSeal(key, value);
  return value;
}

std::optional<DeadlineRow> ParseDeadline(std::string_view key, std::string_view value) {
  const std::optional<std::string_view> payload = OpenSeal(key, value);
  if (!payload || key.size() < 8) return std::nullopt;
  DeadlineRow row;
  row.due = Timestamp::FromMicros(static_cast<std::int64_t>(ReadBigEndian64(key.data()) ^ kSignBit));
  key.remove_prefix(8);
  if (!ConsumeOrdered(key, row.owner)) return std::nullopt;
  row.key = std::string(key);
  row.payload = std::string(*payload);
  return row;
}

std::string MetaInputKey(std::string_view source) { return std::string("input/").append(source); }

std::string NumberValue(std::string_view key, std::uint64_t number) {
  std::string value;
  AppendBigEndian64(value, number);
  AppendSeal(key, value);
  return value;
}

std::optional<std::uint64_t> ParseNumberValue(std::string_view key, std::string_view value) {
  const std::optional<std::string_view> number = OpenSeal(key, value);
  if (!number || number->size() != 8) return std::nullopt;
  return ReadBigEndian64(number->data());
}

void SetCommitValue(const CommitRow& row, std::string& value) {
  value.clear();
  AppendBigEndian64(value, row.number);
  AppendBigEndian64(value, row.last.value());
  AppendSeal(kMetaCommit, value);
}

std::optional<CommitRow> ParseCommitValue(std::string_view value) {
  const std::optional<std::string_view> row = OpenSeal(kMetaCommit, value);
  if (!row || row->size() != 16) return std::nullopt;
  return CommitRow{ReadBigEndian64(row->data()), Position(ReadBigEndian64(row->data() + 8))};
}

}  // namespace daybook::store::internal
