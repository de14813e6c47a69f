#include "daybook/cdc/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::cdc {
namespace {

using ::testing::HasSubstr;

class RecordFileTest : public ::testing::Test {
 protected:
  std::string Path() const { return directory_.path() + "/records.ndjson"; }
  std::string Write(const std::string& text) const {
    std::ofstream(Path(), std::ios::binary) << text;
    return Path();
  }
  std::string WriteGzip(const std::string& text) const {
    const gzFile file = gzopen(Path().c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
    return Path();
  }
  struct Seen {
    std::vector<std::string> records;  // "topic 0 @ 1 key = value"
    std::vector<BadLine> bad;
    absl::Status end;
  };
  static Seen ReadAll(const std::string& path, RecordFileOptions options = {}, std::size_t lines = 7) {
    Seen seen;
    auto file = RecordFile::Open(path, options);
    if (!file.ok()) {
      seen.end = file.status();
      return seen;
    }
    RecordBatch batch;
    while (true) {
      const absl::StatusOr<bool> more = (*file)->Read(lines, batch);
      seen.end = more.status();
      if (!more.ok() || !*more) return seen;
      for (const Record& r : batch.records()) {
        std::string text = absl::StrCat(ToView(r.topic), " ", r.partition, " @ ", r.offset, " ",
                                        r.key ? ToView(*r.key) : "null", " = ", r.value ? ToView(*r.value) : "null");
        for (const RecordHeader& h : r.headers) absl::StrAppend(&text, " ", ToView(h.name), ":", ToView(h.value));
        seen.records.push_back(text);
      }
      seen.bad.insert(seen.bad.end(), batch.bad_lines().begin(), batch.bad_lines().end());
    }
  }
  static absl::string_view ToView(std::string_view text) { return ToAbsl(text); }
  static absl::string_view ToAbsl(std::string_view text) { return absl::string_view(text.data(), text.size()); }

  testing::TemporaryDirectory directory_;
};

constexpr char kLine[] = R"({"topic":"t","partition":0,"offset":1,"timestamp":5,"key":"{\"id\":1}","value":"a\u2028b",)"
                         R"("headers":[["h","v"],["n",null]]})";
constexpr char kRead[] =
    "t 0 @ 1 {\"id\":1} = a\xe2\x80\xa8"
    "b h:v n:";

TEST_F(RecordFileTest, PlainAndGzipReadAlike) {
  const std::string text = absl::StrCat(kLine, "\n", kLine, "\r\n\n", kLine);  // no newline at the end
  for (const std::string& path : {Write(text), WriteGzip(text)}) {
    const Seen seen = ReadAll(path);
    EXPECT_EQ(seen.end, absl::OkStatus());
    EXPECT_EQ(seen.records, std::vector<std::string>(3, kRead));
    EXPECT_TRUE(seen.bad.empty());
  }
}

TEST_F(RecordFileTest, NullsAndBase64) {
  const Seen seen =
      ReadAll(Write(R"({"offset":2,"topic":"t","partition":3,"key":null,"value":null,"extra":{"a":[1]}})"
                    "\n"
                    R"({"offset":3,"topic":"t","partition":3,"key_base64":"/w==","value_base64":"AAE="})"));
  ASSERT_EQ(seen.records.size(), 2u);
  EXPECT_EQ(seen.records[0], "t 3 @ 2 null = null");
  EXPECT_EQ(seen.records[1], std::string("t 3 @ 3 \xff = \0\1", 14));
}

TEST_F(RecordFileTest, ABadLineIsNamedAndReadingGoesOn) {
  const std::vector<std::string> bad = {
      "rubbish",
      "{",
      "[]",
      R"({"topic":"t"})",
      R"({"topic":"t","partition":"0","offset":1})",
      R"({"topic":"t","partition":-1,"offset":1})",
      R"({"topic":"t","partition":0,"offset":-1})",
      R"({"topic":5,"partition":0,"offset":1})",
      R"({"topic":"t","partition":0,"offset":1,"value":{}})",
      R"({"topic":"t","partition":0,"offset":1,"headers":[["a","b","c"]]})",
      R"({"topic":"t","partition":0,"offset":1,"value_base64":"?"})",
      R"({"topic":"t","partition":0,"offset":1} {})",
      "{\"topic\":\"t\xff\",\"partition\":0,\"offset\":1}",
      std::string("\0\0\0", 3),
  };
  std::string text = absl::StrCat(kLine, "\n");
  for (const std::string& line : bad) absl::StrAppend(&text, line, "\n", kLine, "\n");
  const Seen seen = ReadAll(Write(text));
  EXPECT_EQ(seen.end, absl::OkStatus());
  EXPECT_EQ(seen.records.size(), bad.size() + 1);
  ASSERT_EQ(seen.bad.size(), bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(seen.bad[i].raw, bad[i]);
    EXPECT_EQ(seen.bad[i].line, 2 * i + 2);
    EXPECT_THAT(std::string(seen.bad[i].why.message()), HasSubstr(absl::StrCat(Path(), ":", 2 * i + 2, ": ")))
        << bad[i];
  }
}

TEST_F(RecordFileTest, ALineOverTheLimitIsCutAndReadingGoesOn) {
  for (const std::size_t length : {101u, 300'000u, 3'000'000u}) {
    const std::string text = absl::StrCat(kLine, "\n", std::string(length, 'x'), "\n", kLine, "\n");
    const Seen seen = ReadAll(Write(text), {.line_bytes_max = 200, .bad_line_bytes_max = 50});
    EXPECT_EQ(seen.end, absl::OkStatus());
    EXPECT_EQ(seen.records, std::vector<std::string>(2, kRead)) << length;
    ASSERT_EQ(seen.bad.size(), 1u);
    EXPECT_EQ(seen.bad[0].raw, std::string(50, 'x'));
    EXPECT_EQ(seen.bad[0].line, 2u);
  }
  const Seen last = ReadAll(Write(std::string(1000, 'x')), {.line_bytes_max = 200, .bad_line_bytes_max = 50});
  EXPECT_EQ(last.bad.size(), 1u);
}

TEST_F(RecordFileTest, ADamagedFileIsDataLossWithItsPlace) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&text, kLine, "\n");
  WriteGzip(text);
  std::ifstream in(Path(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Seen cut = ReadAll(Write(whole.substr(0, whole.size() / 2)));
  EXPECT_EQ(cut.end.code(), absl::StatusCode::kDataLoss) << cut.end;
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
  const Seen seen = ReadAll(Write(flipped));
  EXPECT_EQ(seen.end.code(), absl::StatusCode::kDataLoss) << seen.end;
  EXPECT_THAT(std::string(seen.end.message()), HasSubstr("after line"));
}

TEST_F(RecordFileTest, AMissingFileIsNotFound) {
  EXPECT_EQ(ReadAll("/nowhere/at/all").end.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadAll(directory_.path()).end.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadAll(Write("")).end, absl::OkStatus());
}

TEST_F(RecordFileTest, MutatedLinesNeverCrash) {
  constexpr std::uint64_t kSeed = 4711;
  std::cout << "seed " << kSeed << std::endl;
  std::mt19937_64 random(kSeed);
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    std::string line = kLine;
    for (int edits = static_cast<int>(random() % 4); edits > 0; --edits) {
      const std::size_t at = random() % line.size();
      if (random() % 2 == 0) {
        line[at] = static_cast<char>(random());
      } else {
        line.erase(at, random() % 8);
      }
    }
    text += line + "\n";
  }
  const Seen seen = ReadAll(Write(text), {}, 100);
  EXPECT_EQ(seen.end, absl::OkStatus());
  EXPECT_GT(seen.records.size(), 1000u);
  EXPECT_GT(seen.bad.size(), 1000u);
}

}  // namespace
}  // namespace daybook::cdc
