#ifndef DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_
#define DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace daybook::bench {

// The floor under every answer over HTTP: a Boost.Beast server on one thread that sends the same bytes for any request;
// with several bodies, one after the other, whatever is asked.
class BareBeast {
 public:
  // At least one.
  explicit BareBeast(std::vector<std::string> bodies);
  ~BareBeast();

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_FLOORS_BARE_BEAST_H_
