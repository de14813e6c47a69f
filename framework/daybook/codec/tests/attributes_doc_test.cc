// The documented table of attributes is the one in codec/envelope.h.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daybook/base/strings.h"
#include "daybook/codec/envelope.h"
#include "daybook/v1/envelope.pb.h"

namespace daybook::codec {
namespace {

// The cells of the table rows of the section, trimmed and without back quotes.
std::vector<std::vector<std::string>> ReadTable(const std::string& section) {
  std::ifstream file(DAYBOOK_ENVELOPE_DOC);
  EXPECT_TRUE(file.good());
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) inside = line == "## " + section;
    if (!inside || line.rfind("|", 0) != 0 || line.rfind("|---", 0) == 0) continue;
    std::vector<std::string> cells;
    for (absl::string_view cell : absl::StrSplit(line, '|')) {
      std::string text(absl::StripAsciiWhitespace(cell));
      cells.push_back(text);
    }
    rows.push_back(std::vector<std::string>(cells.begin() + 1, cells.end() - 1));
  }
  return rows;
}

TEST(EnvelopeDocTest, TheTableIsTheOneOfTheCode) {
  const auto rows = ReadTable("Envelope");
  ASSERT_EQ(rows.size(), kCloudEventAttributes.size() + 1);  // and the heading
  const auto& descriptor = *v1::Envelope::descriptor();
  for (std::size_t i = 0; i < kCloudEventAttributes.size(); ++i) {
    const CloudEventAttribute& attribute = kCloudEventAttributes[i];
    const std::vector<std::string>& row = rows[i + 1];
    ASSERT_EQ(row.size(), 5u);
    EXPECT_EQ(row[0], std::string(attribute.field));
    EXPECT_EQ(row[3], absl::StrCat("`", ToAbsl(attribute.attribute), "`"));
    if (attribute.field.empty()) continue;
    const auto* field = descriptor.FindFieldByName(std::string(attribute.field));
    ASSERT_NE(field, nullptr) << attribute.field;
    EXPECT_EQ(row[1], std::to_string(field->number()));
    EXPECT_EQ(row[2], absl::StrCat(field->has_optional_keyword() ? "optional " : "", field->type_name()));
  }
}

}  // namespace
}  // namespace daybook::codec
