#include "harness/http_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include "daybook/base/check.h"

namespace daybook::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::string head;
  bool in_body = false;
  bool ok = false;
  std::size_t body_left = 0;
  SteadyClock::time_point started;
};

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

void Send(Connection& connection, const std::string& bytes) {
  connection.head.clear();
  connection.in_body = false;
  connection.started = SteadyClock::now();
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(connection.fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    DAYBOOK_CHECK(n > 0, "the server closed the connection");
    sent += static_cast<std::size_t>(n);
  }
}

// Takes in `bytes`; true when the response is complete.
bool Take(Connection& connection, std::string_view bytes) {
  if (!connection.in_body) {
    connection.head.append(bytes);
    const std::size_t end = connection.head.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    std::string lower = connection.head.substr(0, end);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t length = lower.find("content-length: ");
    connection.ok = lower.compare(9, 3, "200") == 0 && length != std::string::npos;
    connection.body_left = length == std::string::npos ? 0 : std::stoul(lower.substr(length + 16));
    connection.in_body = true;
    bytes = std::string_view(connection.head).substr(end + 4);
  }
  if (bytes.size() > connection.body_left) connection.ok = false;
  connection.body_left -= std::min(connection.body_left, bytes.size());
  return connection.body_left == 0;
}

}  // namespace

LoopResult RunHttpLoad(std::uint16_t port, int connections, absl::Duration duration,
                       const std::function<std::string(std::uint64_t i)>& request) {
  const int poll = epoll_create1(0);
  std::vector<Connection> all(connections);
  std::uint64_t next = 0;
  for (Connection& connection : all) {
    connection.fd = Connect(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection.fd, &event);
    Send(connection, request(next++));
  }
  const auto began = SteadyClock::now();
  const auto end = began + absl::ToChronoNanoseconds(duration);
  std::vector<float> latencies_us;
  LoopResult result;
  std::vector<char> buffer(256 * 1024);
  std::vector<epoll_event> events(connections);
  for (int open = connections; open > 0;) {
    const int n = epoll_wait(poll, events.data(), connections, 5000);
    DAYBOOK_CHECK(n > 0, "no answer within 5 s");
    for (int i = 0; i < n; ++i) {
      Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
      const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
      DAYBOOK_CHECK(got > 0, "the server closed the connection");
      if (!Take(connection, {buffer.data(), static_cast<std::size_t>(got)})) continue;
      const auto now = SteadyClock::now();
      latencies_us.push_back(std::chrono::duration<float, std::micro>(now - connection.started).count());
      if (!connection.ok) ++result.errors;
      if (now < end) {
        Send(connection, request(next++));
      } else {
        epoll_ctl(poll, EPOLL_CTL_DEL, connection.fd, nullptr);
        close(connection.fd);
        --open;
      }
    }
  }
  close(poll);
  result.per_second =
      static_cast<double>(latencies_us.size()) / std::chrono::duration<double>(SteadyClock::now() - began).count();
  std::sort(latencies_us.begin(), latencies_us.end());
  result.p50_us = latencies_us[latencies_us.size() / 2];
  result.p99_us = latencies_us[latencies_us.size() * 99 / 100];
  return result;
}

}  // namespace daybook::bench
