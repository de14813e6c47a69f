#include "daybook/base/shape.h"

#include <cstddef>

#include "absl/strings/ascii.h"

namespace daybook {

std::string ShapeOf(std::string_view text) {
  constexpr std::size_t kCharactersMax = 40;
  std::string shape;
  std::size_t characters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // inside a character
    if (++characters > kCharactersMax) {
      shape += "…";
      break;
    }
    if (absl::ascii_isalpha(byte)) {
      shape.push_back(absl::ascii_isupper(byte) ? 'X' : 'x');
    } else if (absl::ascii_isdigit(byte)) {
      shape.push_back('9');
    } else if (absl::ascii_isprint(byte)) {
      shape.push_back(c);
    } else {
      shape += "•";
    }
  }
  return shape;
}

std::string TypeNameOrShape(std::string_view text) {
  constexpr std::size_t kBytesMax = 200;
  std::size_t dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool starts = i == 0 || text[i - 1] == '.';
    if (byte == '.' && !starts && i + 1 < text.size()) {
      ++dots;
    } else if (!absl::ascii_isalpha(byte) && byte != '_' && (starts || !absl::ascii_isdigit(byte))) {
      return ShapeOf(text);
    }
  }
  return dots >= 2 && text.size() <= kBytesMax ? std::string(text) : ShapeOf(text);
}

}  // namespace daybook
