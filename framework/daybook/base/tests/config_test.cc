#include "daybook/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "absl/flags/reflection.h"
#include "absl/time/time.h"
#include "daybook/testing/temporary_directory.h"

DAYBOOK_FLAG(std::string, test_address, "Edges", "127.0.0.1:1", "where it listens");
DAYBOOK_FLAG(int, test_count, "Limits", 7, "how many");
DAYBOOK_FLAG(bool, test_verbose, "Limits", false, "say more");
DAYBOOK_FLAG(absl::Duration, test_delay, "Limits", absl::Seconds(2), "how long");
DAYBOOK_FLAG(std::vector<std::string>, test_names, "Edges", {}, "which ones");

namespace daybook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public ::testing::Test {
 protected:
  ~ConfigTest() override {
    for (const std::string& name : set_) unsetenv(name.c_str());
  }

  absl::StatusOr<std::vector<std::string>> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return ParseConfig(static_cast<int>(argv.size()), argv.data(), options_);
  }
  std::string Error(std::vector<std::string> arguments) {
    return std::string(Parse(std::move(arguments)).status().message());
  }
  void SetEnv(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  std::string File(const std::string& text) {
    const std::string path = directory_.path() + "/config_test.conf";
    std::ofstream(path) << text;
    return path;
  }

  testing::TemporaryDirectory directory_;  // tests run side by side
  absl::FlagSaver saver_;
  ConfigOptions options_{"tester", "Tests settings.", "1.2", "CONFTEST"};
  std::vector<std::string> set_;
};

TEST_F(ConfigTest, DefaultsHoldWhereNothingIsGiven) {
  EXPECT_THAT(Parse({}).value(), IsEmpty());
  EXPECT_EQ(FlagValue(FLAGS_test_address), "127.0.0.1:1");
  EXPECT_EQ(FlagValue(FLAGS_test_count), 7);
}

TEST_F(ConfigTest, TheCommandLineTakesEveryForm) {
  const auto rest = Parse({"a", "--test_address=x:2", "--test_count", "-9", "--test_verbose", "b", "--test_delay=150ms",
                           "--test_names=p,q", "--test_count=8", "--", "--c"});
  EXPECT_THAT(rest.value(), ElementsAre("a", "b", "--c"));
  EXPECT_EQ(FlagValue(FLAGS_test_address), "x:2");
  EXPECT_EQ(FlagValue(FLAGS_test_count), 8);
  EXPECT_TRUE(FlagValue(FLAGS_test_verbose));
  EXPECT_EQ(FlagValue(FLAGS_test_delay), absl::Milliseconds(150));
  EXPECT_THAT(FlagValue(FLAGS_test_names), ElementsAre("p", "q"));
  ASSERT_TRUE(Parse({"--notest_verbose", "--test_address="}).ok());
  EXPECT_FALSE(FlagValue(FLAGS_test_verbose));
  EXPECT_EQ(FlagValue(FLAGS_test_address), "");
}

TEST_F(ConfigTest, CommandLineOverEnvironmentOverFile) {
  const std::string file = File("# a comment\n\n test_address = from file \r\ntest_count=1\ntest_delay = 1s\n");
  SetEnv("CONFTEST_TEST_COUNT", "2");
  SetEnv("CONFTEST_TEST_DELAY", "2s");
  ASSERT_TRUE(Parse({"--config", file, "--test_delay=3s"}).ok());
  EXPECT_EQ(FlagValue(FLAGS_test_address), "from file");
  EXPECT_EQ(FlagValue(FLAGS_test_count), 2);
  EXPECT_EQ(FlagValue(FLAGS_test_delay), absl::Seconds(3));
}

TEST_F(ConfigTest, TheEnvironmentMayNameTheFile) {
  SetEnv("CONFTEST_CONFIG", File("test_count = 5\n"));
  ASSERT_TRUE(Parse({}).ok());
  EXPECT_EQ(FlagValue(FLAGS_test_count), 5);
}

TEST_F(ConfigTest, UnknownNamesAreErrorsThatSayWhere) {
  EXPECT_THAT(Error({"--test_adress=x"}), HasSubstr("command line: unknown setting \"test_adress\""));
  const std::string file = File("test_count = 1\nnosuch = 2\n");
  EXPECT_THAT(Error({"--config=" + file}), HasSubstr(file + ":2: unknown setting \"nosuch\""));
  SetEnv("CONFTEST_NOSUCH", "1");
  EXPECT_THAT(Error({}), HasSubstr("environment variable CONFTEST_NOSUCH: unknown setting"));
}

TEST_F(ConfigTest, BadValuesAreErrorsThatSayWhere) {
  EXPECT_THAT(Error({"--test_count=many"}), HasSubstr("command line: test_count: \"many\""));
  EXPECT_THAT(Error({"--test_count"}), HasSubstr("--test_count needs a value"));
  const std::string file = File("\ntest_delay = soon\n");
  EXPECT_THAT(Error({"--config=" + file, "--test_delay=1s"}), HasSubstr(file + ":2: test_delay: \"soon\""));
  SetEnv("CONFTEST_TEST_VERBOSE", "perhaps");
  EXPECT_THAT(Error({}), HasSubstr("environment variable CONFTEST_TEST_VERBOSE: test_verbose"));
}

TEST_F(ConfigTest, AFileThatCannotBeUsedIsNamed) {
  const auto missing = Parse({"--config=/nonexistent/x.conf"});
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/nonexistent/x.conf"));
  EXPECT_THAT(Error({"--config=" + directory_.path()}), HasSubstr("configuration file"));
  const std::string twice = File("test_count = 1\ntest_count = 2\n");
  EXPECT_THAT(Error({"--config=" + twice}), HasSubstr(twice + ":2: test_count is already given at " + twice + ":1"));
  const std::string rubbish = File("test_count 1\n");
  EXPECT_THAT(Error({"--config=" + rubbish}), HasSubstr(rubbish + ":1: expected"));
}

TEST_F(ConfigTest, WithoutAPrefixTheEnvironmentIsNotRead) {
  SetEnv("CONFTEST_TEST_COUNT", "2");
  options_.env_prefix = "";
  ASSERT_TRUE(Parse({}).ok());
  EXPECT_EQ(FlagValue(FLAGS_test_count), 7);
}

TEST_F(ConfigTest, HelpListsEverySettingByGroup) {
  const std::string help = ConfigHelp(options_);
  EXPECT_THAT(help, HasSubstr("tester: Tests settings."));
  EXPECT_THAT(help, HasSubstr("Edges:\n  --test_address  (default \"127.0.0.1:1\")\n      where it listens"));
  EXPECT_THAT(help, HasSubstr("Limits:\n  --test_count  (default 7)\n      how many"));
  EXPECT_THAT(help, HasSubstr("CONFTEST_NAME"));
}

TEST_F(ConfigTest, HelpAndVersionExitWithZero) {
  EXPECT_EXIT(Parse({"--help"}).IgnoreError(), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(Parse({"--version"}).IgnoreError(), ::testing::ExitedWithCode(0), "");
}

TEST_F(ConfigTest, AnErrorMayEndTheProgramWithTwo) {
  std::string program = "tester";
  std::string bad = "--nosuch=1";
  char* argv[] = {program.data(), bad.data()};
  EXPECT_EXIT(ParseConfigOrExit(2, argv, options_), ::testing::ExitedWithCode(2),
              "tester: command line: unknown setting \"nosuch\"");
}

TEST_F(ConfigTest, WhatIsInForceHasTheFormOfAFile) {
  ASSERT_TRUE(Parse({"--test_count=9"}).ok());
  const std::string in_force = ConfigInForce();
  EXPECT_THAT(in_force, HasSubstr("test_count = 9\n"));
  ASSERT_TRUE(Parse({"--config=" + File(in_force)}).ok());
  EXPECT_EQ(FlagValue(FLAGS_test_count), 9);
}

}  // namespace
}  // namespace daybook
