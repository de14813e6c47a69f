#include "daybook/bus/kafka/internal/outgoing.h"

#include <array>
#include <utility>

#include "daybook/base/clock.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

// For librdkafka null is no value at all, and "" may be a null pointer with us.
const void* DataOf(const std::optional<std::string_view>& bytes) {
  if (!bytes.has_value()) return nullptr;
  return bytes->data() == nullptr ? "" : bytes->data();
}

}  // namespace

HeadersHandle CopyHeaders(std::span<const Header> headers) {
  if (headers.empty()) return nullptr;
  HeadersHandle list(rd_kafka_headers_new(headers.size()));
  for (const Header& header : headers) {
    rd_kafka_header_add(list.get(), header.name.data(), static_cast<ssize_t>(header.name.size()), DataOf(header.value),
                        static_cast<ssize_t>(header.value.value_or("").size()));
  }
  return list;
}

rd_kafka_resp_err_t Produce(rd_kafka_t* client, const OutgoingRecord& record, Payload payload, void* tag) {
  HeadersHandle headers = CopyHeaders(record.headers);
  return Produce(client, record, payload, tag, headers);
}

rd_kafka_resp_err_t Produce(rd_kafka_t* client, const OutgoingRecord& record, Payload payload, void* tag,
                            HeadersHandle& headers) {
  std::array<rd_kafka_vu_t, 8> arguments{};
  std::size_t count = 0;
  const auto next = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    arguments[count].vtype = type;
    return arguments[count++];
  };
  const std::string topic(record.topic);
  next(RD_KAFKA_VTYPE_TOPIC).u.cstr = topic.c_str();
  next(RD_KAFKA_VTYPE_PARTITION).u.i32 =
      record.partition.has_value() ? record.partition->value() : RD_KAFKA_PARTITION_UA;
  next(RD_KAFKA_VTYPE_MSGFLAGS).u.i = payload == Payload::kCopied ? RD_KAFKA_MSG_F_COPY : 0;
  next(RD_KAFKA_VTYPE_OPAQUE).u.ptr = tag;
  rd_kafka_vu_t& value = next(RD_KAFKA_VTYPE_VALUE);
  value.u.mem.ptr = const_cast<void*>(DataOf(record.value));
  value.u.mem.size = record.value.value_or("").size();
  rd_kafka_vu_t& key = next(RD_KAFKA_VTYPE_KEY);
  key.u.mem.ptr = const_cast<void*>(DataOf(record.key));
  key.u.mem.size = record.key.value_or("").size();
  if (record.timestamp.has_value()) next(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = record.timestamp->millis();
  if (headers != nullptr) next(RD_KAFKA_VTYPE_HEADERS).u.headers = headers.get();
  const ErrorHandle error(rd_kafka_produceva(client, arguments.data(), count));
  if (error != nullptr) return rd_kafka_error_code(error.get());
  headers.release();  // the record's now
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::vector<TopicHandle> WarmTopics(rd_kafka_t* client, const std::vector<std::string>& topics,
                                    absl::Duration timeout) {
  std::vector<TopicHandle> handles;
  const absl::Duration deadline = MonotonicNow() + timeout;
  for (const std::string& topic : topics) {
    TopicHandle handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
    if (handle == nullptr) continue;
    const rd_kafka_metadata_t* metadata = nullptr;
    const int left_ms = ToMilliseconds(deadline - MonotonicNow());
    if (rd_kafka_metadata(client, 0, handle.get(), &metadata, left_ms) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
    }
    handles.push_back(std::move(handle));
  }
  return handles;
}

}  // namespace daybook::bus::internal
