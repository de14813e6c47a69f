#ifndef DAYBOOK_BUS_KAFKA_TESTS_BROKER_H_
#define DAYBOOK_BUS_KAFKA_TESTS_BROKER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace daybook::testing {

// How long a test waits for what a broker surely does.
inline constexpr absl::Duration kBrokerLimit = absl::Seconds(60);

// A process started by the tests, with pipes to its standard input and output. It ends with this object.
class ChildProcess {
 public:
  ChildProcess() = default;
  explicit ChildProcess(const std::vector<std::string>& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its output; "" if it ended, or none came in time.
  std::string ReadLine(absl::Duration limit = absl::Minutes(1));
  void WriteLine(std::string line);
  void Signal(int signal);
  // Closes its standard input and waits for its end.
  void End();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

// How to reach a listener.
struct Listener {
  std::string bootstrap;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string stranger_certificate_file;  // of an authority that the broker does not know
  std::string stranger_key_file;
  std::string username;
  std::string password;
};

// A throw-away broker (python3 -m stack.kafka run).
class BrokerProcess {
 public:
  // `options`: as of that command; with "--dir" the data stay for a Restart.
  explicit BrokerProcess(std::vector<std::string> options);

  const Listener& plain() const { return plain_; }
  const Listener& tls() const { return tls_; }
  const Listener& sasl() const { return sasl_; }

  // Ends the broker with SIGKILL; the other with the same directory comes up at the same address.
  void Kill();
  void Restart();

 private:
  void Start();

  const std::vector<std::string> options_;
  pid_t broker_ = -1;
  std::unique_ptr<ChildProcess> process_;
  Listener plain_;
  Listener tls_;
  Listener sasl_;
};

// The one that all tests of this process share, with TLS and SASL listeners; started when it is first asked for, and
// ended with the process.
BrokerProcess& SharedBroker();

// "about.<uuid>": for a topic or a group of one test alone.
std::string UniqueName(const std::string& about);

}  // namespace daybook::testing

#endif  // DAYBOOK_BUS_KAFKA_TESTS_BROKER_H_
