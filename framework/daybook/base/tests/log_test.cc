#include "daybook/base/log.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace daybook {
namespace {

boost::json::object Logged(std::string_view message, std::initializer_list<LogField> fields) {
  ::testing::internal::CaptureStderr();
  Log(LogLevel::kWarning, message, fields);
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "not one line: " << line;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(line, error);
  EXPECT_FALSE(error) << error.message() << ": " << line;
  return parsed.is_object() ? parsed.as_object() : boost::json::object();
}

std::string Text(const boost::json::object& line, const char* name) {
  const auto& text = line.at(name).as_string();
  return std::string(text.data(), text.size());
}

TEST(LogTest, ALineIsOneJsonObjectWithItsFields) {
  const auto line = Logged("opened", {{"path", "/tmp"}, {"events", std::int64_t{42}}, {"rate", 0.5}, {"new", true}});
  EXPECT_EQ(Text(line, "level"), "warning");
  EXPECT_EQ(Text(line, "message"), "opened");
  EXPECT_EQ(Text(line, "path"), "/tmp");
  EXPECT_EQ(line.at("events").as_int64(), 42);
  EXPECT_EQ(line.at("new").as_bool(), true);
  EXPECT_TRUE(line.contains("time"));
}

TEST(LogTest, AwkwardTextStaysValidJsonOnOneLine) {
  const auto line = Logged("quote \" backslash \\ newline \n", {{"control", std::string("\x01\x1f\0", 3)}});
  EXPECT_EQ(Text(line, "message"), "quote \" backslash \\ newline \n");
  EXPECT_EQ(Text(line, "control"), std::string("\x01\x1f\0", 3));
}

TEST(LogTest, BadUtf8IsReplaced) {
  const auto line = Logged("cut \xe2\x80", {{"raw", std::string("\xff")}});
  EXPECT_EQ(Text(line, "message"), "cut \xef\xbf\xbd");
  EXPECT_EQ(Text(line, "raw"), "\xef\xbf\xbd");
}

TEST(LogTest, NumbersThatJsonLacksAreText) {
  const auto line = Logged(
      "n", {{"nan", std::numeric_limits<double>::quiet_NaN()}, {"inf", -std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(Text(line, "nan"), "NaN");
  EXPECT_EQ(Text(line, "inf"), "-Infinity");
}

}  // namespace
}  // namespace daybook
