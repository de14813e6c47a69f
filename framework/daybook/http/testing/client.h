#ifndef DAYBOOK_HTTP_TESTING_CLIENT_H_
#define DAYBOOK_HTTP_TESTING_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace daybook::http::testing {

// What came back.
struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The first value of a header, without regard to case; "" if absent.
  std::string_view Header(std::string_view name) const;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// A blocking client on one keep-alive connection to 127.0.0.1, for tests: also sends what no real client would.
//
//   Client client(server->port());
//   auto reply = client.Get("/v1/beneficiaries/1");
//   client.SendRaw("GET / HT");
//   EXPECT_TRUE(client.ReadReply().ok());
//
// Thread safety: one thread at a time. Every call gives up after `limit` with kDeadlineExceeded.
class Client {
 public:
  explicit Client(std::uint16_t port, absl::Duration limit = absl::Seconds(10));
  // Through TLS: the server has to be vouched for by `authority` (a PEM file).
  struct Tls {
    std::string authority;
    std::string certificate_chain;  // of the client; "" = it has none
    std::string private_key;
  };
  Client(std::uint16_t port, absl::Duration limit, const Tls& tls);
  ~Client();

  // Sends one request and reads its reply; connects again first if the connection is closed.
  absl::StatusOr<Reply> Send(std::string_view method, std::string_view target, const Headers& headers = {},
                             std::string_view body = "");
  absl::StatusOr<Reply> Get(std::string_view target, const Headers& headers = {}) {
    return Send("GET", target, headers);
  }
  absl::StatusOr<Reply> Post(std::string_view target, std::string_view json, Headers headers = {});

  // The parts: connects if needed, and writes these very bytes; kUnavailable if the server has closed.
  absl::Status SendRaw(std::string_view bytes);
  // Reads one reply (`head_only`: the reply to a HEAD, which has no body). kUnavailable: closed before it was complete.
  enum class Expect { kBody, kHeadOnly };
  absl::StatusOr<Reply> ReadReply(Expect expect = Expect::kBody);
  // True if the server closes the connection within `limit` and sends nothing more.
  bool ClosedByServer();
  // Ends this side's sending half.
  void FinishSending();
  void Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::http::testing

#endif  // DAYBOOK_HTTP_TESTING_CLIENT_H_
