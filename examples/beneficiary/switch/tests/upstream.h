#ifndef BENEFICIARY_SWITCH_TESTS_UPSTREAM_H_
#define BENEFICIARY_SWITCH_TESTS_UPSTREAM_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/http/client.h"
#include "daybook/http/server.h"

namespace beneficiary::switching {

namespace http = daybook::http;

// A service behind the switch that answers as the test says. The switch compares in the background, so that it may be
// asked after the test's own variables have gone: what it answers is a value.
class Upstream {
 public:
  Upstream() { Restart("127.0.0.1:0"); }
  ~Upstream() { server_.reset(); }

  void Restart(std::string address) {
    http::Router router;
    router.Add(http::Method::kGet, "/client/beneficiaries", [this](http::Request request, http::Responder responder) {
      http::Response answer(http::StatusCode::kOk);
      {
        absl::MutexLock lock(&mu_);
        ++asked_;
        for (const auto& [name, value] : request.headers()) last_headers_.emplace_back(name, value);
        last_target_ = std::string(request.target());
        if (hanging_) {
          held_.emplace_back(std::move(request), std::move(responder));
          return;
        }
        answer = once_ ? *std::exchange(once_, std::nullopt) : answer_;
      }
      responder.Send(std::move(answer));
    });
    http::ServerOptions options;
    options.address = std::move(address);
    auto started = http::Server::Start(std::move(router), options);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  std::string address() const { return server_->address(); }
  void Answer(http::Response answer) {
    absl::MutexLock lock(&mu_);
    answer_ = std::move(answer);
  }
  void Answer(std::string body, http::StatusCode status = http::StatusCode::kOk) {
    http::Response answer(status, http::kJson, std::move(body));
    answer.AddHeader("X-Total-Count", "1");
    Answer(std::move(answer));
  }
  // The next request gets this one, all after it what Answer says.
  void AnswerOnce(std::string body) {
    absl::MutexLock lock(&mu_);
    once_ = http::Response(http::StatusCode::kOk, http::kJson, std::move(body));
  }
  // From now on requests get no answer; those that wait get one when it ends.
  void Hang() {
    absl::MutexLock lock(&mu_);
    hanging_ = true;
  }
  void Resume() {
    std::vector<std::pair<http::Request, http::Responder>> held;
    http::Response answer(http::StatusCode::kOk);
    {
      absl::MutexLock lock(&mu_);
      hanging_ = false;
      held = std::exchange(held_, {});
      answer = answer_;
    }
    for (auto& [request, responder] : held) responder.Send(answer);
  }
  void Stop() { server_.reset(); }

  int asked() const {
    absl::MutexLock lock(&mu_);
    return asked_;
  }
  std::string last_target() const {
    absl::MutexLock lock(&mu_);
    return last_target_;
  }
  // Of all requests so far.
  std::vector<std::string> Headers(std::string_view name) const {
    absl::MutexLock lock(&mu_);
    std::vector<std::string> values;
    for (const auto& [header, value] : last_headers_) {
      if (header == name) values.push_back(value);
    }
    return values;
  }

 private:
  mutable absl::Mutex mu_;
  http::Response answer_ ABSL_GUARDED_BY(mu_) = http::Response(http::StatusCode::kOk);
  std::optional<http::Response> once_ ABSL_GUARDED_BY(mu_);
  bool hanging_ ABSL_GUARDED_BY(mu_) = false;
  int asked_ ABSL_GUARDED_BY(mu_) = 0;
  std::string last_target_ ABSL_GUARDED_BY(mu_);
  http::HeaderList last_headers_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<http::Request, http::Responder>> held_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<http::Server> server_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_TESTS_UPSTREAM_H_
