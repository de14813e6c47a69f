#ifndef DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_
#define DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_

#include <cstdint>
#include <memory>
#include <string>

namespace daybook::bench {

// The floor under every answer over HTTP: a Boost.Beast server on one thread that sends the same bytes for any request.
class BareBeast {
 public:
  explicit BareBeast(std::string body);
  ~BareBeast();

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_
