#include "daybook/bus/kafka/internal/figures.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>

namespace daybook::bus::internal {
namespace {

namespace json = boost::json;

using Labels = std::vector<std::pair<std::string, std::string>>;

double NumberAt(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_number()) return 0;
  boost::system::error_code error;
  const double number = found->to_number<double>(error);
  return error ? 0 : number;
}

const json::object* ObjectAt(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

class Reader {
 public:
  Reader(std::string_view client, ClientFigures& out) : client_(client), out_(out) {}

  void Read(const json::object& all) {
    Add(Figure::Kind::kGauge, "bus_queue_records", "Records sent and not answered", {}, NumberAt(all, "msg_cnt"));
    Add(Figure::Kind::kGauge, "bus_queue_bytes", "Bytes sent and not answered", {}, NumberAt(all, "msg_size"));
    Add(Figure::Kind::kCounter, "bus_sent_records_total", "Records sent to brokers", {}, NumberAt(all, "txmsgs"));
    Add(Figure::Kind::kCounter, "bus_sent_bytes_total", "Bytes sent to brokers", {}, NumberAt(all, "txmsg_bytes"));
    Add(Figure::Kind::kCounter, "bus_received_records_total", "Records received", {}, NumberAt(all, "rxmsgs"));
    Add(Figure::Kind::kCounter, "bus_received_bytes_total", "Bytes received", {}, NumberAt(all, "rxmsg_bytes"));
    if (const json::object* brokers = ObjectAt(all, "brokers")) ReadBrokers(*brokers);
    if (const json::object* topics = ObjectAt(all, "topics")) ReadTopics(*topics);
  }

 private:
  void Add(Figure::Kind kind, const char* name, const char* help, Labels labels, double value) {
    labels.emplace_back("client", client_);
    out_.figures.push_back({.kind = kind, .name = name, .help = help, .labels = std::move(labels), .value = value});
  }

  void ReadBrokers(const json::object& brokers) {
    double errors = 0;
    double retries = 0;
    double round_trip_us = 0;
    for (const auto& entry : brokers) {
      const json::object* broker = entry.value().if_object();
      if (broker == nullptr) continue;
      const json::value* state = broker->if_contains("state");
      if (state != nullptr && state->is_string() && state->get_string() == "UP") ++out_.brokers_up;
      errors += NumberAt(*broker, "txerrs") + NumberAt(*broker, "rxerrs") + NumberAt(*broker, "req_timeouts");
      retries += NumberAt(*broker, "txretries");
      if (const json::object* rtt = ObjectAt(*broker, "rtt")) {
        round_trip_us = std::max(round_trip_us, NumberAt(*rtt, "p99"));
      }
    }
    Add(Figure::Kind::kGauge, "bus_brokers_up", "Brokers with a connection", {}, out_.brokers_up);
    Add(Figure::Kind::kCounter, "bus_request_errors_total", "Requests that failed or timed out", {}, errors);
    Add(Figure::Kind::kCounter, "bus_request_retries_total", "Requests sent again", {}, retries);
    Add(Figure::Kind::kGauge, "bus_round_trip_p99_seconds", "99th percentile of requests, slowest broker", {},
        round_trip_us / 1e6);
  }

  void ReadTopics(const json::object& topics) {
    for (const auto& entry : topics) {
      const json::object* topic = entry.value().if_object();
      const json::object* partitions = topic == nullptr ? nullptr : ObjectAt(*topic, "partitions");
      if (partitions == nullptr) continue;
      for (const auto& numbered : *partitions) {
        const json::object* one = numbered.value().if_object();
        if (one == nullptr || numbered.key() == "-1") continue;
        const json::value* at = one->if_contains("app_offset");
        if (at == nullptr || NumberAt(*one, "app_offset") < 0) continue;  // nothing of it was read by this client
        const double lag = std::max(0.0, NumberAt(*one, "ls_offset") - NumberAt(*one, "app_offset"));
        const Labels labels = {{"topic", std::string(entry.key())}, {"partition", std::string(numbered.key())}};
        Add(Figure::Kind::kGauge, "bus_consumer_lag_records", "Offsets between what was read and the end", labels, lag);
        Add(Figure::Kind::kGauge, "bus_fetch_queue_records", "Records read ahead", labels,
            NumberAt(*one, "fetchq_cnt"));
      }
    }
  }

  const std::string client_;
  ClientFigures& out_;
};

}  // namespace

ClientFigures ReadFigures(std::string_view text, std::string_view client) {
  ClientFigures out;
  boost::system::error_code error;
  const json::value all = json::parse(json::string_view(text.data(), text.size()), error);
  if (!error && all.is_object()) Reader(client, out).Read(all.get_object());
  return out;
}

}  // namespace daybook::bus::internal
