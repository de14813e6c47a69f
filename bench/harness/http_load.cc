#include "harness/http_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "daybook/base/check.h"

namespace daybook::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr int kSilenceMsMax = 60'000;  // a slow server has so long for its next byte

struct Connection {
  int fd = -1;
  std::string head;  // what came of it, if it came in pieces
  bool in_body = false;
  bool ok = false;
  std::size_t body_left = 0;
  SteadyClock::time_point started;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  DAYBOOK_CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "cannot connect");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

// The value of Content-Length in a response's head.
std::optional<std::size_t> ContentLength(std::string_view head) {
  constexpr std::string_view kName = "\ncontent-length:";
  const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
  if (found == head.end()) return std::nullopt;
  const char* digits = found + kName.size();
  while (digits < head.end() && *digits == ' ') ++digits;
  std::size_t length = 0;
  if (std::from_chars(digits, head.end(), length).ec != std::errc()) return std::nullopt;
  return length;
}

struct Load {
  const HttpLoadOptions& options;
  const RequestBytes& request;
  const SteadyClock::time_point began = SteadyClock::now();
  const SteadyClock::time_point end = began + absl::ToChronoNanoseconds(options.duration);
  int poll = epoll_create1(0);
  std::vector<Connection> all = {};
  std::vector<Connection*> free = {};  // with a rate: those without a request
  std::uint64_t sent = 0;
  int open = 0;
  HttpLoadResult result = {};
  std::vector<float> latencies_us = {};
  std::vector<char> buffer = std::vector<char>(256 * 1024);

  bool paced() const { return options.rate > 0; }
  SteadyClock::time_point DueOf(std::uint64_t number) const {
    return began + std::chrono::nanoseconds(std::llround(static_cast<double>(number) * 1e9 / options.rate));
  }

  void Send(Connection& connection, SteadyClock::time_point started);
  bool SendDue();
  bool Take(Connection& connection, std::string_view bytes);
  void TakeHead(Connection& connection, std::string_view head);
  void OnReadable(Connection& connection);
  int WaitMs() const;
  void Run();
};

void Load::Send(Connection& connection, SteadyClock::time_point started) {
  const std::string_view bytes = request(options.first + sent++);
  connection.head.clear();
  connection.in_body = false;
  connection.started = started;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = send(connection.fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    DAYBOOK_CHECK(n > 0, "the server closed the connection");
    done += static_cast<std::size_t>(n);
  }
}

// Sends what is due as far as connections are free; false once the time is over.
bool Load::SendDue() {
  const SteadyClock::time_point now = SteadyClock::now();
  while (!free.empty() && DueOf(sent) <= now && DueOf(sent) < end) {
    Connection& connection = *free.back();
    free.pop_back();
    Send(connection, DueOf(sent));
  }
  return DueOf(sent) < end;
}

void Load::TakeHead(Connection& connection, std::string_view head) {
  const std::optional<std::size_t> length = ContentLength(head);
  connection.ok = head.size() > 12 && head[9] == '2' && (length.has_value() || head.substr(9, 3) == "204");
  connection.body_left = length.value_or(0);
  result.body_bytes += connection.body_left;
  connection.in_body = true;
}

// Takes in `bytes`; true when the response is complete.
bool Load::Take(Connection& connection, std::string_view bytes) {
  if (!connection.in_body && connection.head.empty()) {
    if (const std::size_t head = bytes.find(kHeadEnd); head != std::string_view::npos) {
      TakeHead(connection, bytes.substr(0, head));
      bytes.remove_prefix(head + kHeadEnd.size());
    }
  }
  if (!connection.in_body) {
    connection.head.append(bytes);
    const std::size_t head = connection.head.find(kHeadEnd);
    if (head == std::string::npos) return false;
    TakeHead(connection, std::string_view(connection.head).substr(0, head));
    bytes = std::string_view(connection.head).substr(head + kHeadEnd.size());
  }
  if (bytes.size() > connection.body_left) connection.ok = false;
  connection.body_left -= std::min(connection.body_left, bytes.size());
  return connection.body_left == 0;
}

void Load::OnReadable(Connection& connection) {
  const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
  DAYBOOK_CHECK(got > 0, "the server closed the connection");
  if (!Take(connection, {buffer.data(), static_cast<std::size_t>(got)})) return;
  const auto now = SteadyClock::now();
  latencies_us.push_back(std::chrono::duration<float, std::micro>(now - connection.started).count());
  if (!connection.ok) ++result.errors;
  if (paced()) return free.push_back(&connection);
  if (now < end) return Send(connection, now);
  --open;
}

int Load::WaitMs() const {
  if (!paced() || free.empty()) return kSilenceMsMax;
  const auto left = std::chrono::duration<double, std::milli>(DueOf(sent) - SteadyClock::now()).count();
  return std::clamp(static_cast<int>(std::ceil(left)), 0, kSilenceMsMax);
}

void Load::Run() {
  for (Connection& connection : all) {
    connection.fd = Connect(options.port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection.fd, &event);
    if (paced()) free.push_back(&connection);
  }
  if (!paced()) {
    open = options.connections;
    for (Connection& connection : all) Send(connection, SteadyClock::now());
  }
  std::vector<epoll_event> events(all.size());
  while (true) {
    if (paced() && !SendDue() && free.size() == all.size()) break;
    if (!paced() && open == 0) break;
    const int wait_ms = WaitMs();
    const int n = epoll_wait(poll, events.data(), static_cast<int>(events.size()), wait_ms);
    DAYBOOK_CHECK(n > 0 || wait_ms < kSilenceMsMax, "no answer within a minute");
    for (int i = 0; i < n; ++i) OnReadable(*static_cast<Connection*>(events[i].data.ptr));
  }
  for (const Connection& connection : all) close(connection.fd);
  close(poll);
}

}  // namespace

HttpLoadResult RunHttpLoad(const HttpLoadOptions& options, const RequestBytes& request) {
  DAYBOOK_CHECK(options.connections > 0, "no connection: nothing can be asked");
  const double cpu_before = CpuSeconds();
  Load load{options, request};
  load.all.resize(options.connections);
  load.Run();
  HttpLoadResult result = load.result;
  result.cpu_seconds = CpuSeconds() - cpu_before;
  result.seconds = std::chrono::duration<double>(SteadyClock::now() - load.began).count();
  result.answered = load.latencies_us.size();
  if (result.answered == 0) return result;
  result.per_second = static_cast<double>(result.answered) / result.seconds;
  std::sort(load.latencies_us.begin(), load.latencies_us.end());
  result.p50_us = load.latencies_us[load.latencies_us.size() / 2];
  result.p99_us = load.latencies_us[load.latencies_us.size() * 99 / 100];
  return result;
}

}  // namespace daybook::bench
