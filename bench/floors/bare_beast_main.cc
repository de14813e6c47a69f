#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "floors/bare_beast.h"

namespace daybook::bench {
namespace {

int Run(int count, char** files) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) {
    std::ifstream in(files[i], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", files[i]);
      return 2;
    }
    bodies.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before there is another thread
  const BareBeast server(std::move(bodies));
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  int signal = 0;
  return sigwait(&ends, &signal);
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bare_beast FILE…    answers every request with the next FILE; prints its port\n");
    return 2;
  }
  return daybook::bench::Run(argc - 1, argv + 1);
}
