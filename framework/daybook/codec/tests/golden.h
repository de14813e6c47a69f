#ifndef DAYBOOK_CODEC_TESTS_GOLDEN_H_
#define DAYBOOK_CODEC_TESTS_GOLDEN_H_

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "daybook/base/hash.h"

namespace daybook {

// The bytes of codec/tests/golden/<name>.hex: hexadecimal, white space and lines beginning with # do not count.
inline std::string ReadGolden(const std::string& name) {
  std::ifstream file(DAYBOOK_GOLDEN_DIR "/" + name + ".hex");
  EXPECT_TRUE(file.good()) << name << ".hex cannot be read";
  std::string hex;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') hex += line;
  }
  return absl::HexStringToBytes(hex);
}

// Fails unless `bytes` are the committed ones. They change only with a new format version, never by the way: programs
// of yesterday and tomorrow read them.
inline void ExpectGolden(const std::string& name, const std::string& bytes) {
  EXPECT_EQ(ToHex(ReadGolden(name)), ToHex(bytes)) << "the bytes of " << name << " have changed";
}

}  // namespace daybook

#endif  // DAYBOOK_CODEC_TESTS_GOLDEN_H_
