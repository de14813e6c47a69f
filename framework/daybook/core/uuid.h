#ifndef DAYBOOK_CORE_UUID_H_
#define DAYBOOK_CORE_UUID_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace daybook {

// 128 bits in RFC 9562 order, with the canonical text form.
//
//   std::optional<Uuid> id = Uuid::Parse("157402e8-078d-5764-bea8-198235e56fd6");
//   id->ToString();
//
// Thread safety: a value type. Making new ones is base/uuid_source.h's work; this type only holds, prints and parses.
class Uuid {
 public:
  static constexpr std::size_t kSize = 16;

  constexpr Uuid() = default;
  constexpr explicit Uuid(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}

  // Reads 36 characters in 8-4-4-4-12 form, either case. Anything else: nullopt.
  static std::optional<Uuid> Parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    Uuid out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < text.size();) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        if (text[i++] != '-') return std::nullopt;
        continue;
      }
      const int high = HexDigit(text[i]);
      const int low = HexDigit(text[i + 1]);
      if (high < 0 || low < 0) return std::nullopt;
      out.bytes_[at++] = static_cast<std::uint8_t>(high * 16 + low);
      i += 2;
    }
    return out;
  }

  // Takes the 16 raw bytes as they lie in a message or a key. Another length: nullopt.
  static std::optional<Uuid> FromBytes(std::string_view raw) {
    if (raw.size() != kSize) return std::nullopt;
    Uuid out;
    std::memcpy(out.bytes_.data(), raw.data(), kSize);
    return out;
  }

  // Lower-case canonical text, 36 characters.
  std::string ToString() const {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    out.reserve(36);
    for (std::size_t i = 0; i < kSize; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
      out.push_back(kHex[bytes_[i] >> 4]);
      out.push_back(kHex[bytes_[i] & 15]);
    }
    return out;
  }

  // The 16 bytes; the view lives as long as this object.
  std::string_view raw() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }

  constexpr const std::array<std::uint8_t, kSize>& bytes() const { return bytes_; }

  // The version digit of RFC 9562 section 4.2: 4 random, 5 name-based, 7 time-ordered.
  constexpr int version() const { return bytes_[6] >> 4; }

  constexpr bool IsNil() const { return *this == Uuid(); }

  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;

  template <class H>
  friend H AbslHashValue(H h, const Uuid& id) {
    return H::combine_contiguous(std::move(h), id.bytes_.data(), id.bytes_.size());
  }

 private:
  static constexpr int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  std::array<std::uint8_t, kSize> bytes_ = {};
};

// Identifies one command for ever: a second command with the same id gets the first one's outcome.
class CommandId {
 public:
  constexpr CommandId() = default;
  constexpr explicit CommandId(const Uuid& uuid) : uuid_(uuid) {}

  constexpr const Uuid& uuid() const { return uuid_; }
  std::string ToString() const { return uuid_.ToString(); }

  friend constexpr auto operator<=>(const CommandId&, const CommandId&) = default;

  template <class H>
  friend H AbslHashValue(H h, const CommandId& id) {
    return H::combine(std::move(h), id.uuid_);
  }

 private:
  Uuid uuid_;
};

}  // namespace daybook

template <>
struct std::hash<daybook::Uuid> {
  std::size_t operator()(const daybook::Uuid& id) const noexcept { return std::hash<std::string_view>()(id.raw()); }
};

#endif  // DAYBOOK_CORE_UUID_H_
