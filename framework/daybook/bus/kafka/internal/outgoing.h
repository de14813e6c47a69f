#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_OUTGOING_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_OUTGOING_H_

#include <librdkafka/rdkafka.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/record.h"

namespace daybook::bus::internal {

enum class Payload {
  kCopied,      // librdkafka keeps its own
  kReferenced,  // the caller keeps key and value until the delivery report
};

// The record's headers as librdkafka holds them; nullptr if there are none.
HeadersHandle CopyHeaders(std::span<const Header> headers);

// Hands a record to librdkafka's producer; `tag` comes back in its delivery report. `headers`: the record's, copied
// already; after an error they are still there.
rd_kafka_resp_err_t Produce(rd_kafka_t* client, const OutgoingRecord& record, Payload payload, void* tag,
                            HeadersHandle& headers);
rd_kafka_resp_err_t Produce(rd_kafka_t* client, const OutgoingRecord& record, Payload payload, void* tag);

// Makes the topics known to the client and keeps their handles: the first record to an unknown one waits for its
// metadata, up to a second.
std::vector<TopicHandle> WarmTopics(rd_kafka_t* client, const std::vector<std::string>& topics, absl::Duration timeout);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_OUTGOING_H_
