#ifndef DAYBOOK_PROJECTION_INTERNAL_KEYS_H_
#define DAYBOOK_PROJECTION_INTERNAL_KEYS_H_

#include <cstddef>
#include <string>
#include <string_view>

// The framework's own rows in a projection's table: their keys start with a zero byte, which a projection's keys may
// not. docs/reference/formats/read-models.md describes them.
namespace daybook::projection::internal {

inline constexpr std::string_view kCheckpointKey{"\0c", 2};
inline constexpr std::string_view kStatePrefix{"\0s", 2};  // + stream text

inline constexpr std::size_t kKeyBytesMax = 64 * 1024;
inline constexpr std::size_t kValueBytesMax = 64 * 1024 * 1024;

inline std::string StateKey(std::string_view stream) {
  std::string key(kStatePrefix);
  key.append(stream);
  return key;
}

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_KEYS_H_
