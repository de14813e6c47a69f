#ifndef DAYBOOK_HTTP_INTERNAL_EXCHANGE_H_
#define DAYBOOK_HTTP_INTERNAL_EXCHANGE_H_

#include <algorithm>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/http/response.h"
#include "daybook/http/router.h"
#include "daybook/http/types.h"

namespace daybook::http::internal {

class Connection;

inline std::string_view ToStdView(boost::beast::string_view s) { return std::string_view(s.data(), s.size()); }

// A Beast body in a std::string that grows with what has really arrived: a client that only announces a megabyte does
// not get one.
struct GrowingBody {
  using value_type = std::string;
  static std::uint64_t size(const value_type& body) { return body.size(); }

  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(boost::beast::http::header<isRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, boost::beast::error_code& error) {
      constexpr std::uint64_t kTrustedBytes = 64 << 10;
      if (length) body_.reserve(std::min(*length, kTrustedBytes));
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      std::size_t taken = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers);
           ++it) {
        const boost::asio::const_buffer piece(*it);
        body_.append(static_cast<const char*>(piece.data()), piece.size());
        taken += piece.size();
      }
      error = {};
      return taken;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

// How many bytes of bodies a server holds at the moment, shared by its connections and by requests that outlive it.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  // Takes `bytes` more; false, and nothing is taken, if they would exceed the limit.
  bool Take(std::size_t bytes) {
    if (taken_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max_) return true;
    GiveBack(bytes);
    return false;
  }
  void GiveBack(std::size_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> taken_ = 0;
};

// One request and its one answer, shared by the connection, the Request and the Responder.
//
// The request's half is written by the connection before a handler sees it and constant after that. The answer's half
// has a lock, because the answer may come from any thread while the connection goes away on its own.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange() = default;
  ~Exchange();

  boost::beast::http::request_parser<GrowingBody> parser;
  Router::Match match;
  Method method = Method::kOther;
  std::string_view path;       // into the parser's target
  std::string_view raw_query;  // likewise
  std::string peer;
  std::shared_ptr<const Router> router;  // what `match` points into
  absl::Duration complete_at;            // monotonic; when the request was complete

  std::string_view target() const { return ToStdView(parser.get().target()); }

  // Counts what the body has grown to since the last call; false if there is no room for it.
  bool ChargeBody(const std::shared_ptr<BodyBudget>& budget);

  void Attach(Connection* connection) ABSL_LOCKS_EXCLUDED(mu_);
  // From now on an answer is dropped.
  void Detach() ABSL_LOCKS_EXCLUDED(mu_);
  // Hands the answer to the connection, on its own thread.
  void Answer(Response response) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::shared_ptr<BodyBudget> budget_;
  std::size_t charged_ = 0;

  absl::Mutex mu_;
  Connection* connection_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_EXCHANGE_H_
