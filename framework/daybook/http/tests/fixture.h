#ifndef DAYBOOK_HTTP_TESTS_FIXTURE_H_
#define DAYBOOK_HTTP_TESTS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "daybook/http/server.h"
#include "daybook/http/testing/client.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/test_certificates.h"

namespace daybook::http {

// Holds requests back until the test lets them go: an asynchronous handler under the test's control.
class Gate {
 public:
  Handler Holding() {
    return [this](Request request, Responder responder) {
      absl::MutexLock lock(&mu_);
      held_.emplace_back(std::move(request), std::move(responder));
    };
  }
  // Waits for `count` requests to be here.
  bool Await(std::size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return held_.size() >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
  }
  std::vector<std::pair<Request, Responder>> TakeAll() {
    absl::MutexLock lock(&mu_);
    return std::exchange(held_, {});
  }

 private:
  absl::Mutex mu_;
  std::vector<std::pair<Request, Responder>> held_ ABSL_GUARDED_BY(mu_);
};

inline Handler Echo() {
  return Answering(
      [](const Request& request) { return Response(StatusCode::kOk, kPlainText, std::string(request.body())); });
}

inline Handler Text(std::string text) {
  return Answering([text = std::move(text)](const Request&) { return Response(StatusCode::kOk, kPlainText, text); });
}

// Waits until `condition` holds.
template <class Condition>
bool Eventually(Condition condition) {
  return daybook::testing::Eventually(std::move(condition), absl::Seconds(20));
}

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() {
    options_.address = "127.0.0.1:0";
#if defined(DAYBOOK_HTTP_TESTS_USE_TLS)
    certificates_.Issue("server");
    options_.tls = TlsFiles{certificates_.Path("server.pem"), certificates_.Path("server.key"), ""};
#endif
  }

  void Start() {
    auto started = Server::Start(std::move(router_), options_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
#if defined(DAYBOOK_HTTP_TESTS_USE_TLS)
  testing::Client NewClient() const {
    return testing::Client(server_->port(), absl::Seconds(20), {.authority = certificates_.Path("ca.pem")});
  }

  daybook::testing::TestCertificates certificates_;
#else
  testing::Client NewClient() const { return testing::Client(server_->port(), absl::Seconds(20)); }
#endif

  std::unique_ptr<testing::Client> NewHeldClient() const {
    return std::unique_ptr<testing::Client>(new testing::Client(NewClient()));
  }

  Gate gate_;
  Router router_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_TESTS_FIXTURE_H_
