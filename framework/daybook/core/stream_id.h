#ifndef DAYBOOK_CORE_STREAM_ID_H_
#define DAYBOOK_CORE_STREAM_ID_H_

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace daybook {

// Names one aggregate's stream: a category and a key, written "category/key".
//
//   StreamId id("beneficiary", "157402e8-078d-5764-bea8-198235e56fd6");
//   id.text();   // "beneficiary/157402e8-…"
//
// Thread safety: a value type.
// Invariants of a valid id (what Parse gives and every store demands):
//   1. the category is [a-z][a-z0-9_]*, at most 64 characters;
//   2. the key is 1 to 255 bytes without NUL and without control characters.
class StreamId {
 public:
  StreamId() = default;
  StreamId(std::string_view category, std::string_view key) : category_size_(category.size()) {
    text_.reserve(category.size() + 1 + key.size());
    text_.append(category).append(1, '/').append(key);
  }

  // Splits "category/key" at the first slash. nullopt if an invariant does not hold.
  static std::optional<StreamId> Parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    StreamId id(text.substr(0, slash), text.substr(slash + 1));
    if (!id.IsValid()) return std::nullopt;
    return id;
  }

  bool IsValid() const {
    const std::string_view c = category();
    const std::string_view k = key();
    if (c.empty() || c.size() > 64 || k.empty() || k.size() > 255) return false;
    if (c[0] < 'a' || c[0] > 'z') return false;
    for (const char ch : c) {
      if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_')) return false;
    }
    for (const char ch : k) {
      const auto byte = static_cast<unsigned char>(ch);
      if (byte < 0x20 || byte == 0x7f) return false;
    }
    return true;
  }

  std::string_view category() const { return std::string_view(text_).substr(0, category_size_); }
  std::string_view key() const {
    return text_.empty() ? std::string_view() : std::string_view(text_).substr(category_size_ + 1);
  }
  const std::string& text() const { return text_; }

  friend bool operator==(const StreamId& a, const StreamId& b) { return a.text_ == b.text_; }
  friend std::strong_ordering operator<=>(const StreamId& a, const StreamId& b) {
    return a.text_.compare(b.text_) <=> 0;
  }

  template <class H>
  friend H AbslHashValue(H h, const StreamId& id) {
    return H::combine(std::move(h), id.text_);
  }

 private:
  std::string text_;
  std::size_t category_size_ = 0;
};

}  // namespace daybook

template <>
struct std::hash<daybook::StreamId> {
  std::size_t operator()(const daybook::StreamId& id) const noexcept { return std::hash<std::string>()(id.text()); }
};

#endif  // DAYBOOK_CORE_STREAM_ID_H_
