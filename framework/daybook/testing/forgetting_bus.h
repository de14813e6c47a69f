#ifndef DAYBOOK_TESTING_FORGETTING_BUS_H_
#define DAYBOOK_TESTING_FORGETTING_BUS_H_

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daybook/bus/memory/memory_bus.h"
#include "daybook/testing/forwarding_bus.h"

namespace daybook::testing {

// A bus whose records turn into rubbish when their batch goes: whoever looks at one later is found out, on the bus
// inside the process too, whose records would otherwise live on.
//
//   std::unique_ptr<bus::Bus> bus = NewForgettingMemoryBus();
//
// Thread safety: as the bus behind it, which it owns.
class ForgettingBus final : public ForwardingBus {
 public:
  explicit ForgettingBus(std::unique_ptr<bus::Bus> inner) : ForwardingBus(*inner), inner_(std::move(inner)) {}

  absl::StatusOr<std::unique_ptr<bus::Consumer>> NewConsumer(const bus::ConsumerOptions& options) override {
    auto consumer = ForwardingBus::NewConsumer(options);
    if (!consumer.ok()) return consumer;
    return std::make_unique<ForgettingConsumer>(*std::move(consumer));
  }

 private:
  class Bytes {
   public:
    ~Bytes() {
      for (std::string& text : texts_) std::fill(text.begin(), text.end(), '#');
    }
    std::string_view Copy(std::string_view text) { return texts_.emplace_back(text); }
    std::optional<std::string_view> Copy(std::optional<std::string_view> text) {
      return text ? std::optional(Copy(*text)) : std::nullopt;
    }
    std::span<const bus::Header> Copy(std::span<const bus::Header> headers) {
      std::vector<bus::Header>& copies = headers_.emplace_back();
      for (const bus::Header& header : headers) copies.push_back({Copy(header.name), Copy(header.value)});
      return copies;
    }

   private:
    std::deque<std::string> texts_;
    std::deque<std::vector<bus::Header>> headers_;
  };

  class ForgettingConsumer final : public ForwardingConsumer {
   public:
    using ForwardingConsumer::ForwardingConsumer;

    absl::StatusOr<bus::RecordBatch> Poll(const bus::PollOptions& options) override {
      absl::StatusOr<bus::RecordBatch> polled = ForwardingConsumer::Poll(options);
      if (!polled.ok()) return polled;
      const auto bytes = std::make_shared<Bytes>();
      std::vector<bus::Record> records(polled->records().begin(), polled->records().end());
      for (bus::Record& record : records) {
        record.topic = bytes->Copy(record.topic);
        record.key = bytes->Copy(record.key);
        record.value = bytes->Copy(record.value);
        record.headers = bytes->Copy(record.headers);
      }
      return bus::RecordBatch(std::move(records), bytes);
    }
  };

  const std::unique_ptr<bus::Bus> inner_;
};

inline std::unique_ptr<bus::Bus> NewForgettingMemoryBus() {
  return std::make_unique<ForgettingBus>(bus::NewMemoryBus());
}

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_FORGETTING_BUS_H_
