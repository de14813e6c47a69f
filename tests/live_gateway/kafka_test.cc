// The live gateway and its process over a real broker.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "beneficiary/gateway_service/topic_publisher.h"
#include "daybook/base/clock.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/kafka/tests/broker.h"
#include "daybook/testing/temporary_directory.h"
#include "live_gateway/live_kit.h"

namespace daybook::live_test {
namespace {

using beneficiary::LiveGatewayOptions;
using cdc_test::Difference;
using cdc_test::Fixture;
using cdc_test::FoldAll;
using cdc_test::GetFixture;

std::vector<std::string> CommandTopics() {
  return {std::string(beneficiary::kBeneficiaryCommandsTopic), std::string(beneficiary::kClientCommandsTopic)};
}

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port that nobody listens on, below those that the kernel gives to whoever asks for any: it stays free.
std::uint16_t FreePort() {
  static std::uint16_t next = static_cast<std::uint16_t>(10240 + getpid() % 10000);
  for (int tries = 0; tries < 1000; ++tries) {
    const std::uint16_t port = next++;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = Loopback(port);
    const bool is_free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(fd);
    if (is_free) return port;
  }
  ADD_FAILURE() << "no free port in a thousand: " << std::strerror(errno);
  return 0;
}

// The whole answer, head and body; "" if nobody answers.
std::string Get(std::uint16_t port, const std::string& target) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(port);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char bytes[4096];
      for (ssize_t n = 0; (n = read(fd, bytes, sizeof(bytes))) > 0;) answer.append(bytes, static_cast<std::size_t>(n));
    }
  }
  close(fd);
  return answer;
}

// The process under test; ends with this object, whatever state it is in.
class GatewayProcess {
 public:
  explicit GatewayProcess(const std::vector<std::string>& command) : child_(command) {}
  ~GatewayProcess() { Signal(SIGKILL); }
  // Nothing once it has ended: its number is no longer its own.
  void Signal(int signal) {
    if (!ended_) child_.Signal(signal);
  }
  void Stop() {
    Signal(SIGTERM);
    child_.End();
    ended_ = true;
  }

 private:
  bool ended_ = false;
  testing::ChildProcess child_;
};

// A broker of its own for each test: the command topics have the same names in all.
class LiveGatewayKafkaTest : public ::testing::Test {
 protected:
  LiveGatewayKafkaTest() {
    bus::KafkaOptions options;
    options.brokers = broker_.plain().bootstrap;
    auto bus = bus::OpenKafkaBus(options);
    EXPECT_TRUE(bus.ok()) << bus.status();
    bus_ = *std::move(bus);
  }

  std::unique_ptr<GatewayProcess> StartProcess(const std::string& name, std::vector<std::string> flags = {}) {
    std::vector<std::string> command = {BENEFICIARY_GATEWAY,    "--kafka_brokers=" + broker_.plain().bootstrap,
                                        "--bos=uk:bos-uk",      "--admin_address=",
                                        "--session_timeout=1s", "--data_dir=" + directory_.path() + "/" + name};
    command.insert(command.end(), flags.begin(), flags.end());
    return std::make_unique<GatewayProcess>(command);
  }

  // Waits until the last command of every stream is what the file feed gives.
  void AwaitAll(const Fixture& fixture) {
    const auto expected = LastContentsOfTheFileFeed(fixture);
    std::map<std::string, std::string> got;
    const bool same =
        Eventually([&] { return (got = LastContents(ReadCommands(*bus_, "uk"))) == expected; }, absl::Seconds(90));
    EXPECT_TRUE(same) << got.size() << " streams, expected " << expected.size();
    const std::vector<cdc::Command> commands = ReadCommands(*bus_, "uk");
    ExpectNothingTwice(commands);
    EXPECT_EQ(Difference(fixture, FoldAll(commands)), "");
  }

  testing::TemporaryDirectory directory_;
  testing::BrokerProcess broker_{{}};
  std::unique_ptr<bus::Bus> bus_;
};

TEST_F(LiveGatewayKafkaTest, LiveTopicsGiveTheCommandsOfTheFileFeed) {
  const Fixture& fixture = GetFixture("bos-a");
  MakeTopics(*bus_, fixture, "bos-uk");
  Produce(*bus_, fixture, "bos-uk");
  LiveGatewayOptions options;
  options.data_dir = directory_.path();
  options.sources = {{"uk", "bos-uk"}};
  Instance gateway(*bus_, options);
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  AwaitAll(fixture);
}

TEST_F(LiveGatewayKafkaTest, ALateWriteOfTheOneBeforeIsRefused) {
  for (const std::string& topic : CommandTopics()) {
    ASSERT_EQ(bus_->admin().CreateTopic({.topic = topic}, absl::Seconds(30)), absl::OkStatus());
  }
  const auto command = [](int number) {
    cdc::Command c;
    c.id = CommandId(*Uuid::Parse(absl::StrCat("00000000-0000-4000-8000-00000000000", number)));
    c.stream = StreamId("client", "1");
    c.type = "beneficiary.commands.v1.SyncClient";
    c.aggregate = "12345";
    return c;
  };
  std::vector<absl::Status> answers;
  const auto keep = [&](const absl::Status& status) { answers.push_back(status); };
  auto first = *beneficiary::TopicPublisher::Make(*bus_, {});
  auto second = *beneficiary::TopicPublisher::Make(*bus_, {});
  first->SinkFor("uk").set_writer("first");
  second->SinkFor("uk").set_writer("second");
  ASSERT_EQ(first->Init(absl::Seconds(30)), absl::OkStatus());
  ASSERT_EQ(first->SinkFor("uk").Publish(command(1), keep), absl::OkStatus());
  ASSERT_EQ(first->Deliver(), absl::OkStatus());
  ASSERT_EQ(second->Init(absl::Seconds(30)), absl::OkStatus());
  ASSERT_EQ(second->SinkFor("uk").Publish(command(2), keep), absl::OkStatus());
  ASSERT_EQ(second->Deliver(), absl::OkStatus());
  // In the transaction that was open, which the broker has aborted meanwhile.
  const absl::Status late = first->SinkFor("uk").Publish(command(3), keep);
  EXPECT_TRUE(late.ok() || absl::IsUnavailable(late)) << late;
  EXPECT_FALSE(first->Deliver().ok());
  EXPECT_FALSE(first->is_open());
  EXPECT_TRUE(absl::IsUnavailable(first->SinkFor("uk").Publish(command(4), keep)));
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const absl::Status& s) { return s.ok(); }), 2);
  std::vector<std::string> written;
  for (const Stored& stored : ReadAll(*bus_, CommandTopics())) {
    written.push_back(stored.Header("ce_gatewaywriter") + " " + stored.Header("ce_id"));
  }
  EXPECT_THAT(written,
              ::testing::ElementsAre("first " + command(1).id.ToString(), "second " + command(2).id.ToString()));
}

// What readers of committed records wait for at most, and do not get from one that was fenced.
TEST_F(LiveGatewayKafkaTest, ATransactionEndsSoonAlsoIfNothingFollows) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Produce(*bus_, fixture, "bos-uk");
  auto process = StartProcess("a");
  AwaitAll(fixture);
  const std::size_t published = ReadAll(*bus_, CommandTopics()).size();
  EXPECT_TRUE(
      Eventually([&] { return ReadAll(*bus_, CommandTopics(), bus::Isolation::kReadCommitted).size() == published; }));
  process->Stop();
}

TEST_F(LiveGatewayKafkaTest, KilledWithMinus9AndRestartedTheProcessRepeatsNoCommand) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  auto process = StartProcess("a");
  const std::size_t chunk = fixture.records.size() / 12;
  for (std::size_t at = 0, i = 0; at < fixture.records.size(); at += chunk, ++i) {
    const std::size_t before = ReadCommands(*bus_, "uk").size();
    Produce(*bus_, fixture, "bos-uk", at, at + chunk);
    if (i % 3 != 0) continue;
    // In the middle of it, whatever that is.
    Eventually([&] { return ReadCommands(*bus_, "uk").size() > before; }, absl::Seconds(3));
    process.reset();  // kill -9; and its store is not open any more
    process = StartProcess("a");
  }
  AwaitAll(fixture);
}

TEST_F(LiveGatewayKafkaTest, OneThatIsStoppedLosesTheWorkAndNothingOfItIsSeenLater) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  auto first = StartProcess("a");
  const std::size_t before = fixture.records.size() * 6 / 10;
  const std::size_t meanwhile = fixture.records.size() * 8 / 10;
  Produce(*bus_, fixture, "bos-uk", 0, before);
  ASSERT_TRUE(Eventually([&] { return ReadCommands(*bus_, "uk").size() > 10; }, absl::Seconds(90)));
  auto second = StartProcess("b");
  Produce(*bus_, fixture, "bos-uk", before, meanwhile);
  first->Signal(SIGSTOP);
  const auto writers = [&] {
    std::set<std::string> all;
    for (const Stored& stored : ReadAll(*bus_, CommandTopics())) all.insert(stored.Header("ce_gatewaywriter"));
    return all;
  };
  Produce(*bus_, fixture, "bos-uk", meanwhile);
  EXPECT_TRUE(Eventually([&] { return writers().size() == 2; }, absl::Seconds(90)));
  AwaitAll(fixture);
  const std::size_t published = ReadAll(*bus_, CommandTopics()).size();
  // It wakes up with work to do, and none of it gets out.
  Send(*bus_,
       {.topic = "bos-uk.public.clients_client", .partition = bus::BusPartition(0), .key = "k", .value = "rubbish"});
  first->Signal(SIGCONT);
  const std::string letters = "bos-uk.public.clients_client.dlq";
  EXPECT_TRUE(Eventually([&] { return !ReadAll(*bus_, {letters}).empty(); }));
  AwaitAll(fixture);
  EXPECT_EQ(ReadAll(*bus_, CommandTopics()).size(), published);
  EXPECT_EQ(ReadAll(*bus_, {letters}).size(), 1u);
  // In no partition does anything of the first one follow anything of the second.
  std::map<std::pair<std::string, int>, std::vector<std::string>> order;
  for (const Stored& stored : ReadAll(*bus_, CommandTopics())) {
    order[{stored.topic, stored.partition}].push_back(stored.Header("ce_gatewaywriter"));
  }
  for (const auto& [partition, all] : order) {
    int changes = 0;
    for (std::size_t i = 1; i < all.size(); ++i) changes += all[i] != all[i - 1] ? 1 : 0;
    EXPECT_LE(changes, 1) << partition.first << "/" << partition.second;
  }
  first->Stop();
  second->Stop();
}

TEST_F(LiveGatewayKafkaTest, TheOneProcessReadsLiveTopicsToo) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Produce(*bus_, fixture, "bos-uk");
  const std::uint16_t http = FreePort();
  const std::uint16_t admin = FreePort();
  GatewayProcess process({BENEFICIARY, "--kafka_brokers=" + broker_.plain().bootstrap, "--bos=uk:bos-uk",
                          absl::StrCat("--http_address=127.0.0.1:", http),
                          "--grpc_address=", absl::StrCat("--admin_address=127.0.0.1:", admin),
                          "--data_dir=" + directory_.path() + "/one"});
  // Every beneficiary that there is at the end is served.
  std::size_t served = 0;
  EXPECT_TRUE(Eventually(
      [&] {
        served = 0;
        for (const auto& [id, expected] : fixture.definitive) {
          if (Get(http, "/v1/beneficiaries/" + id).find("200 OK") == std::string::npos) return false;
          ++served;
        }
        return true;
      },
      absl::Seconds(90)))
      << served << " of " << fixture.definitive.size();
  EXPECT_TRUE(Eventually([&] { return Get(admin, "/readyz").find("200 OK") != std::string::npos; }))
      << Get(admin, "/readyz?verbose");
  EXPECT_NE(Get(admin, "/metrics").find("gateway_source_lag_seconds{bos=\"uk\"}"), std::string::npos);
  EXPECT_TRUE(ReadCommands(*bus_, "uk").empty());
  process.Stop();
}

}  // namespace
}  // namespace daybook::live_test
