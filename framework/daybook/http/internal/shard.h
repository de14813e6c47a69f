#ifndef DAYBOOK_HTTP_INTERNAL_SHARD_H_
#define DAYBOOK_HTTP_INTERNAL_SHARD_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/http/internal/channel.h"
#include "daybook/http/router.h"
#include "daybook/http/server.h"

namespace daybook::http::internal {

class BodyBudget;
class Connection;

using ConnectionList = std::list<std::shared_ptr<Connection>>;

struct Counters {
  std::atomic<std::size_t> open = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> evicted = 0;
  std::atomic<std::uint64_t> answered = 0;
};

// One I/O thread and the connections that live on it, from accept to close. Whatever is not marked otherwise is called
// on that thread only, so nothing of it is locked.
class Shard {
 public:
  Shard(std::shared_ptr<const Router> router, const ServerOptions& options, std::size_t connections_max,
        std::shared_ptr<BodyBudget> budget, boost::asio::ssl::context* tls);
  ~Shard();

  // Any thread, once.
  void Start();
  boost::asio::io_context& context() { return context_; }
  bool OnOwnThread() const { return std::this_thread::get_id() == thread_id_; }

  // Takes a new connection in, evicting or refusing where there is no room.
  void Adopt(Socket socket);
  // Closes the connection idle for longest, if any is.
  bool EvictOne();

  // A connection between requests is idle (longest first), else busy.
  void MarkIdle(Connection& connection);
  void MarkBusy(Connection& connection);
  void Forget(Connection& connection);

  // Any thread: closes what is idle and lets the rest finish.
  void BeginDrain();
  // Any thread, after BeginDrain: waits until no connection is open, at most `limit`; returns how many still are.
  std::size_t AwaitEmpty(absl::Duration limit);
  // Any thread, after BeginDrain: cuts off what is still open; returns when nothing is.
  void CloseAll();
  // Any thread: ends the I/O thread. Precondition: no connection is open.
  void Stop();
  bool draining() const { return draining_; }

  const std::shared_ptr<const Router>& router() const { return router_; }
  const std::shared_ptr<BodyBudget>& budget() const { return budget_; }
  // nullptr: connections are in the clear.
  boost::asio::ssl::context* tls() const { return tls_; }
  const ServerOptions& options() const { return options_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

  // Monotonic and coarse (a tick old at most), for time-outs; and the Date header's present value.
  absl::Duration now() const { return now_; }
  const std::string& date() const { return date_; }

 private:
  void Tick();
  void CloseIdle();
  void NoteSize();

  const std::shared_ptr<const Router> router_;
  const ServerOptions& options_;
  const std::size_t connections_max_;
  const std::shared_ptr<BodyBudget> budget_;
  boost::asio::ssl::context* const tls_;
  Counters counters_;

  ConnectionList idle_;
  ConnectionList busy_;
  bool draining_ = false;
  absl::Duration now_;
  std::string date_;

  absl::Mutex mu_;
  std::size_t open_ ABSL_GUARDED_BY(mu_) = 0;
  bool drain_begun_ ABSL_GUARDED_BY(mu_) = false;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  boost::asio::steady_timer timer_{context_};
  std::thread::id thread_id_;
  std::jthread thread_;
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_SHARD_H_
