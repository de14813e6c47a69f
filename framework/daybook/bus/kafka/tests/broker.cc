#include "daybook/bus/kafka/tests/broker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <utility>

#include "daybook/base/check.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"

namespace daybook::testing {
namespace {

std::string TextAt(const boost::json::object& object, const char* name) {
  const boost::json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

Listener ListenerAt(const boost::json::object& told, const char* name) {
  const boost::json::value* found = told.if_contains(name);
  if (found == nullptr || !found->is_object()) return {};
  const boost::json::object& one = found->get_object();
  return {.bootstrap = TextAt(one, "bootstrap"),
          .ca_file = TextAt(one, "ca"),
          .certificate_file = TextAt(one, "certificate"),
          .key_file = TextAt(one, "key"),
          .stranger_certificate_file = TextAt(one, "stranger_certificate"),
          .stranger_key_file = TextAt(one, "stranger_key"),
          .username = TextAt(one, "username"),
          .password = TextAt(one, "password")};
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  int to_child[2];
  int from_child[2];
  DAYBOOK_CHECK(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0, "no pipes");
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  DAYBOOK_CHECK(pid_ >= 0, "no process");
  if (pid_ == 0) {
    if (dup2(to_child[0], 0) < 0 || dup2(from_child[1], 1) < 0 || chdir(DAYBOOK_SOURCE_DIR) != 0) _exit(126);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

ChildProcess::~ChildProcess() { End(); }

std::string ChildProcess::ReadLine(absl::Duration limit) {
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
    char bytes[4096];
    if (poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) != 1) return "";
    const ssize_t size = read(output_, bytes, sizeof(bytes));
    if (size <= 0) return "";
    buffer_.append(bytes, static_cast<std::size_t>(size));
  }
}

void ChildProcess::WriteLine(std::string line) {
  line += '\n';
  EXPECT_EQ(write(input_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

void ChildProcess::Signal(int signal) {
  ASSERT_GT(pid_, 0) << "it has ended: kill would mean every process there is";
  EXPECT_EQ(kill(pid_, signal), 0);
}

void ChildProcess::End() {
  if (pid_ <= 0) return;
  close(input_);
  int status = 0;
  waitpid(pid_, &status, 0);
  close(output_);
  pid_ = -1;
}

BrokerProcess::BrokerProcess(std::vector<std::string> options) : options_(std::move(options)) { Start(); }

void BrokerProcess::Start() {
  std::vector<std::string> command = {"python3", "-m", "stack.kafka", "run", "--until-stdin-closes"};
  command.insert(command.end(), options_.begin(), options_.end());
  process_ = std::make_unique<ChildProcess>(command);
  // The first one on a machine fetches what it needs, or waits for another test that does.
  const std::string line = process_->ReadLine(absl::Minutes(5));
  boost::system::error_code error;
  const boost::json::value told = boost::json::parse(line, error);
  ASSERT_TRUE(!error && told.is_object()) << "the broker did not start; it said: " << line;
  const boost::json::object& about = told.get_object();
  plain_ = {.bootstrap = TextAt(about, "bootstrap")};
  tls_ = ListenerAt(about, "ssl");
  sasl_ = ListenerAt(about, "sasl_ssl");
  broker_ = static_cast<pid_t>(about.at("pid").to_number<std::int64_t>());
}

void BrokerProcess::Kill() {
  ASSERT_EQ(kill(broker_, SIGKILL), 0);
  process_ = nullptr;  // it ends when its broker does
}

void BrokerProcess::Restart() { Start(); }

BrokerProcess& SharedBroker() {
  static BrokerProcess broker({"--tls", "--sasl"});
  return broker;
}

std::string UniqueName(const std::string& about) {
  return about + "." + UuidSource::System().New(Clock::System().Now()).ToString();
}

}  // namespace daybook::testing
