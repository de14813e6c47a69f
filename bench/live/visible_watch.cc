#include "live/visible_watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"

namespace daybook::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

// One connection that is kept.
class Api {
 public:
  explicit Api(const std::string& address) : host_(address) {
    const std::size_t colon = address.rfind(':');
    asio::ip::tcp::resolver resolver(io_);
    asio::connect(socket_, resolver.resolve(address.substr(0, colon), address.substr(colon + 1)));
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }

  // The body of the answer, whatever its status: what is not there yet is a 404.
  std::string Get(const std::string& path) {
    beast::http::request<beast::http::empty_body> request(beast::http::verb::get, path, 11);
    request.set(beast::http::field::host, host_);
    beast::http::write(socket_, request);
    beast::http::response<beast::http::string_body> response;
    beast::http::read(socket_, buffer_, response);
    return std::move(response.body());
  }

 private:
  const std::string host_;
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  beast::flat_buffer buffer_;
};

class Watcher {
 public:
  explicit Watcher(const VisibleWatchOptions& options) : options_(options), api_(options.address) {
    api_.Get("/v1/beneficiaries/none");  // the connection is made before it counts
  }

  absl::StatusOr<std::vector<VisibleSeen>> Run() {
    absl::Duration next = MonotonicNow();
    while (!ended_ || !open_.empty()) {
      DAYBOOK_RETURN_IF_ERROR(WaitForLines(next - MonotonicNow()));
      if (MonotonicNow() < next) continue;  // lines came; their first question is asked with the next round
      next = MonotonicNow() + options_.step;
      AskForAll();
    }
    return std::move(seen_);
  }

 private:
  struct Open {
    std::string token;
    std::string path;
    absl::Duration since;
    std::int64_t questions = 0;
  };

  absl::Status WaitForLines(absl::Duration wait) {
    if (ended_ && wait <= absl::ZeroDuration()) return absl::OkStatus();
    pollfd poll{ended_ ? -1 : options_.input, POLLIN, 0};
    const timespec limit = absl::ToTimespec(std::max(wait, absl::ZeroDuration()));
    const int ready = ppoll(&poll, 1, open_.empty() && !ended_ ? nullptr : &limit, nullptr);
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "waiting for lines");
    if (ready <= 0) return absl::OkStatus();
    std::array<char, 65536> bytes{};
    const ssize_t count = read(options_.input, bytes.data(), bytes.size());
    if (count < 0) return absl::ErrnoToStatus(errno, "reading lines");
    ended_ = count == 0;
    input_.append(bytes.data(), static_cast<std::size_t>(count));
    for (std::size_t end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
      const std::size_t blank = input_.find(' ');
      if (blank > end) return absl::InvalidArgumentError("a line is not TOKEN PATH: " + input_.substr(0, end));
      open_.push_back({input_.substr(0, blank), input_.substr(blank + 1, end - blank - 1), MonotonicNow()});
      input_.erase(0, end + 1);
    }
    return absl::OkStatus();
  }

  void AskForAll() {
    std::erase_if(open_, [this](Open& one) {
      ++one.questions;
      const bool is_there = api_.Get(one.path).find(one.token) != std::string::npos;
      if (!is_there && MonotonicNow() - one.since < options_.give_up) return false;
      seen_.push_back({one.token, is_there ? Clock::System().Now().micros() : 0, one.questions});
      return true;
    });
  }

  const VisibleWatchOptions& options_;
  Api api_;
  std::string input_;
  bool ended_ = false;
  std::vector<Open> open_;
  std::vector<VisibleSeen> seen_;
};

}  // namespace

absl::StatusOr<std::vector<VisibleSeen>> WatchUntilVisible(const VisibleWatchOptions& options) {
  try {
    return Watcher(options).Run();
  } catch (const std::exception& e) {  // Asio's and Beast's
    return absl::UnavailableError(absl::StrCat("the query API at ", options.address, ": ", e.what()));
  }
}

}  // namespace daybook::bench
