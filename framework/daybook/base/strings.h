#ifndef DAYBOOK_BASE_STRINGS_H_
#define DAYBOOK_BASE_STRINGS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace daybook {

// Where Abseil was built with a string_view of its own, its functions do not take std::string_view: convert at the
// call.
//
//   absl::StrCat("unknown type ", ToAbsl(type))
constexpr absl::string_view ToAbsl(std::string_view s) { return absl::string_view(s.data(), s.size()); }
constexpr std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

namespace internal {
// Reads a varint of any length at `at`; where it ends, or nullptr.
const char* ReadVarint(const char* at, const char* end, std::uint64_t& value);

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return absl::Hash<absl::string_view>()(ToAbsl(s)); }
};
struct StringEq {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
}  // namespace internal

// Hash containers keyed by std::string that are searched by std::string_view without a copy.
template <class V>
using StringMap = absl::flat_hash_map<std::string, V, internal::StringHash, internal::StringEq>;
using StringSet = absl::flat_hash_set<std::string, internal::StringHash, internal::StringEq>;

// Big-endian integers, whose byte order is their numeric order: the form of every number in a key.
void AppendBigEndian64(std::string& out, std::uint64_t value);
void AppendBigEndian32(std::string& out, std::uint32_t value);
// Precondition: at least 8 (4) bytes at `data`.
inline std::uint64_t ReadBigEndian64(const char* data) {
  std::uint64_t value;
  std::memcpy(&value, data, sizeof(value));
  return std::endian::native == std::endian::big ? value : __builtin_bswap64(value);
}
inline std::uint32_t ReadBigEndian32(const char* data) {
  std::uint32_t value;
  std::memcpy(&value, data, sizeof(value));
  return std::endian::native == std::endian::big ? value : __builtin_bswap32(value);
}

// LEB128, as protobuf's varint (https://protobuf.dev/programming-guides/encoding/#varints).
void AppendVarint(std::string& out, std::uint64_t value);
// Takes one off the front of `in`. False: `in` ends inside it, or it is longer than 10 bytes; `in` is then unspecified.
inline bool ConsumeVarint(std::string_view& in, std::uint64_t& value) {
  // Nearly all are lengths below 128: one byte, read where it is asked for. `in` itself is given to no function, so
  // that a caller's copy of it can stay in registers.
  if (!in.empty() && static_cast<unsigned char>(in.front()) < 0x80) [[likely]] {
    value = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    return true;
  }
  const char* const rest = internal::ReadVarint(in.data(), in.data() + in.size(), value);
  if (rest == nullptr) return false;
  in.remove_prefix(static_cast<std::size_t>(rest - in.data()));
  return true;
}
// A varint length and then the bytes.
void AppendLengthPrefixed(std::string& out, std::string_view bytes);
inline bool ConsumeLengthPrefixed(std::string_view& in, std::string_view& bytes) {
  std::uint64_t size = 0;
  if (!ConsumeVarint(in, size) || size > in.size()) return false;
  bytes = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

// The same text with every maximal ill-formed part replaced by U+FFFD (the Unicode standard's practice, as in Python's
// errors="replace"), so that the result is valid UTF-8.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace daybook

#endif  // DAYBOOK_BASE_STRINGS_H_
