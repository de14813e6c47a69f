#include "daybook/http/internal/shard.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "daybook/base/clock.h"
#include "daybook/http/internal/connection.h"

namespace daybook::http::internal {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kTick(100);
// Refused connections that may be open at once, beyond the limit, for the moment it takes to tell them.
constexpr std::size_t kRefusalsMax = 64;

}  // namespace

Shard::Shard(std::shared_ptr<const Router> router, const ServerOptions& options, std::size_t connections_max,
             std::shared_ptr<BodyBudget> budget, asio::ssl::context* tls)
    : router_(std::move(router)),
      options_(options),
      connections_max_(connections_max),
      budget_(std::move(budget)),
      tls_(tls) {}

void Shard::Start() {
  asio::post(context_, [this] { Tick(); });
  thread_ = std::jthread([this] {
    thread_id_ = std::this_thread::get_id();
    context_.run();
  });
}

Shard::~Shard() { Stop(); }

void Shard::Stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Shard::CloseAll() {
  asio::post(context_, [this] {
    for (ConnectionList* list : {&idle_, &busy_}) {
      while (!list->empty()) list->front()->Close();
    }
  });
  absl::MutexLock lock(&mu_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return open_ == 0; };
  mu_.Await(absl::Condition(&empty));
}

void Shard::Tick() {
  now_ = MonotonicNow();
  date_ = absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", ToAbslTime(Clock::System().Now()), absl::UTCTimeZone());
  for (ConnectionList* list : {&idle_, &busy_}) {
    for (auto it = list->begin(); it != list->end();) {
      Connection& connection = **it++;
      connection.CheckDeadline(now_);
    }
  }
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Tick();
  });
}

void Shard::Adopt(Socket socket) {
  if (draining_) return;
  ++counters_.accepted;
  const std::size_t open = idle_.size() + busy_.size();
  const bool full = open >= connections_max_ && !EvictOne();
  if (full) ++counters_.refused;
  if (full && open >= connections_max_ + kRefusalsMax) return;
  busy_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
  Connection& connection = *busy_.back();
  connection.place = std::prev(busy_.end());
  connection.list = &busy_;
  NoteSize();
  if (full) {
    connection.StartRefusing();
  } else {
    connection.Start();
  }
}

bool Shard::EvictOne() {
  if (idle_.empty()) return false;
  ++counters_.evicted;
  idle_.front()->Close();
  return true;
}

void Shard::MarkIdle(Connection& connection) {
  idle_.splice(idle_.end(), *connection.list, connection.place);
  connection.list = &idle_;
}

void Shard::MarkBusy(Connection& connection) {
  if (connection.list == &busy_) return;
  busy_.splice(busy_.end(), *connection.list, connection.place);
  connection.list = &busy_;
}

void Shard::Forget(Connection& connection) {
  connection.list->erase(connection.place);
  NoteSize();
}

void Shard::NoteSize() {
  const std::size_t open = idle_.size() + busy_.size();
  counters_.open = open;
  absl::MutexLock lock(&mu_);
  open_ = open;
}

void Shard::CloseIdle() {
  for (auto it = idle_.begin(); it != idle_.end();) {
    Connection& connection = **it++;
    if (connection.IsQuiet()) connection.Close();
  }
}

void Shard::BeginDrain() {
  asio::post(context_, [this] {
    draining_ = true;
    CloseIdle();
    absl::MutexLock lock(&mu_);
    drain_begun_ = true;
  });
}

std::size_t Shard::AwaitEmpty(absl::Duration limit) {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&drain_begun_));
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return open_ == 0; };
  mu_.AwaitWithTimeout(absl::Condition(&empty), limit);
  return open_;
}

}  // namespace daybook::http::internal
