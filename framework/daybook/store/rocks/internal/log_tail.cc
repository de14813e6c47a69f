#include "daybook/store/rocks/internal/log_tail.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {
namespace {

// https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format: blocks of 32 KiB, in them records of
// {masked CRC-32C, little-endian length, type} and the payload, a batch of {sequence 8, count 4, entries}.
constexpr std::size_t kBlock = 32 * 1024;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kBatchHeader = 12;
constexpr char kFull = 1;
constexpr char kFirst = 2;
constexpr char kLast = 4;
constexpr char kLogDataTag = 3;

using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables() {
  CrcTables tables = {};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}
constexpr CrcTables kCrc = MakeCrcTables();

std::uint8_t Byte(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::uint32_t LittleEndian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | Byte(bytes, at + i);
  return value;
}

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    crc ^= LittleEndian(bytes, at, 4);
    crc = kCrc[7][crc & 0xff] ^ kCrc[6][crc >> 8 & 0xff] ^ kCrc[5][crc >> 16 & 0xff] ^ kCrc[4][crc >> 24] ^
          kCrc[3][Byte(bytes, at + 4)] ^ kCrc[2][Byte(bytes, at + 5)] ^ kCrc[1][Byte(bytes, at + 6)] ^
          kCrc[0][Byte(bytes, at + 7)];
  }
  for (; at < bytes.size(); ++at) crc = kCrc[0][(crc ^ Byte(bytes, at)) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::uint32_t Mask(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

// The payload of the record at `offset`; nullopt if there is no whole one.
std::optional<std::string_view> PayloadAt(std::string_view log, std::size_t offset) {
  const std::size_t end = std::min(log.size(), offset / kBlock * kBlock + kBlock);
  if (offset + kHeader > end) return std::nullopt;
  const std::size_t length = LittleEndian(log, offset + 4, 2);
  const char type = log[offset + 6];
  if (type < kFull || type > kLast || offset + kHeader + length > end) return std::nullopt;
  if (LittleEndian(log, offset, 4) != Mask(Crc32c(log.substr(offset + 6, 1 + length)))) return std::nullopt;
  return log.substr(offset + kHeader, length);
}

absl::StatusOr<std::string> ReadLog(rocksdb::FileSystem& file_system, const std::string& path) {
  std::uint64_t size = 0;
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  rocksdb::IOStatus status = file_system.GetFileSize(path, rocksdb::IOOptions(), &size, nullptr);
  if (status.ok()) status = file_system.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return FromRocks(status, path);
  std::string content(size, '\0');
  std::size_t have = 0;
  while (have < content.size()) {
    rocksdb::Slice piece;
    status = file->Read(content.size() - have, rocksdb::IOOptions(), &piece, content.data() + have, nullptr);
    if (!status.ok()) return FromRocks(status, path);
    if (piece.empty()) break;
    if (piece.data() != content.data() + have) std::copy_n(piece.data(), piece.size(), content.data() + have);
    have += piece.size();
  }
  content.resize(have);
  return content;
}

// The logs' names, the oldest first.
absl::StatusOr<std::vector<std::string>> LogNames(rocksdb::FileSystem& file_system, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::IOStatus status = file_system.GetChildren(path, rocksdb::IOOptions(), &names, nullptr);
  if (!status.ok()) return FromRocks(status, path);
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(".log"); });
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return names;
}

absl::Status Damaged(const std::string& file, std::uint64_t offset) {
  return absl::DataLossError(absl::StrCat(file, ": damaged at byte ", offset,
                                          ", and acknowledged batches lie behind it. Restore a backup, or keep the "
                                          "directory for an analysis"));
}

}  // namespace

std::uint64_t EndOfWholeRecords(std::string_view log) {
  std::size_t offset = 0;
  while (offset < log.size()) {
    const std::size_t left = kBlock - offset % kBlock;
    if (left < kHeader) {  // too short for a header: filled with zeros
      offset += left;
      continue;
    }
    const std::optional<std::string_view> payload = PayloadAt(log, offset);
    if (!payload) return offset;
    offset += kHeader + payload->size();
  }
  return log.size();
}

bool HasSyncedBatchFrom(std::string_view log, std::uint64_t offset) {
  constexpr std::size_t kBefore = kHeader + kBatchHeader + 2;  // tag and length stand before the marker
  for (std::size_t at = log.find(kSyncedMarker, offset); at != std::string_view::npos;
       at = log.find(kSyncedMarker, at + 1)) {
    if (at < offset + kBefore || log[at - 2] != kLogDataTag) continue;
    const std::size_t record = at - kBefore;
    const char type = log[record + 6];
    if ((type == kFull || type == kFirst) && PayloadAt(log, record)) return true;
  }
  return false;
}

absl::StatusOr<rocksdb::WALRecoveryMode> InspectLogs(rocksdb::FileSystem& file_system, const std::string& path) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::vector<std::string> names, LogNames(file_system, path));
  std::string damaged;
  std::uint64_t damaged_at = 0;
  for (const std::string& name : names) {
    const std::string file = absl::StrCat(path, "/", name);
    DAYBOOK_ASSIGN_OR_RETURN(const std::string log, ReadLog(file_system, file));
    if (!damaged.empty()) {
      if (HasSyncedBatchFrom(log, 0)) return Damaged(damaged, damaged_at);
      continue;
    }
    const std::uint64_t end = EndOfWholeRecords(log);
    if (end == log.size()) continue;
    if (HasSyncedBatchFrom(log, end)) return Damaged(file, end);
    damaged = file;
    damaged_at = end;
  }
  if (damaged.empty()) return rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  Log(LogLevel::kWarning, "the write-ahead log ends with a torn write, which is dropped",
      {{"file", damaged}, {"offset", static_cast<std::int64_t>(damaged_at)}});
  return rocksdb::WALRecoveryMode::kPointInTimeRecovery;
}

}  // namespace daybook::store::internal
