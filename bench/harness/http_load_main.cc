#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "harness/http_load.h"

ABSL_FLAG(int, port, 0, "of the server on 127.0.0.1");
ABSL_FLAG(std::string, requests, "", "a file of \"METHOD TARGET\" lines, asked over and over in its order");
ABSL_FLAG(int, connections, 1, "kept open, one request at a time on each");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(1), "how long to ask");
ABSL_FLAG(double, rate, 0, "requests a second; 0 = each answer starts the next one");
ABSL_FLAG(std::uint64_t, first, 0, "go on with this number of request, where an earlier run ended");

namespace daybook::bench {
namespace {

constexpr char kHost[] = " HTTP/1.1\r\nHost: 127.0.0.1\r\n";

std::vector<std::string> ReadRequests(const std::string& path) {
  std::vector<std::string> requests;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    const bool has_body = line.rfind("GET ", 0) != 0;
    requests.push_back(line + kHost + (has_body ? "Content-Length: 0\r\n\r\n" : "\r\n"));
  }
  return requests;
}

int Run() {
  const std::vector<std::string> requests = ReadRequests(absl::GetFlag(FLAGS_requests));
  if (requests.empty() || absl::GetFlag(FLAGS_port) == 0) {
    std::fprintf(stderr, "--port and --requests, a file with at least one line, are needed; see --help\n");
    return 2;
  }
  const HttpLoadResult result =
      RunHttpLoad({.port = static_cast<std::uint16_t>(absl::GetFlag(FLAGS_port)),
                   .connections = absl::GetFlag(FLAGS_connections),
                   .duration = absl::GetFlag(FLAGS_duration),
                   .rate = absl::GetFlag(FLAGS_rate),
                   .first = absl::GetFlag(FLAGS_first)},
                  [&](std::uint64_t i) -> std::string_view { return requests[i % requests.size()]; });
  absl::PrintF(
      "{\"per_second\":%.3f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"answered\":%d,\"errors\":%d,\"seconds\":%.6f,"
      "\"client_cpu_seconds\":%.6f,\"body_bytes\":%d}\n",
      result.per_second, result.p50_us, result.p99_us, result.answered, result.errors, result.seconds,
      result.cpu_seconds, result.body_bytes);
  return result.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Asks a server over kept connections and prints what came as a line of JSON.");
  absl::ParseCommandLine(argc, argv);
  return daybook::bench::Run();
}
