#include <benchmark/benchmark.h>

#include "beneficiary/domain/beneficiary.h"
#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "micro/samples.h"

namespace daybook::bench {
namespace {

void EncodeEvent(benchmark::State& state) {
  const codec::EventCodec<beneficiary::Beneficiary::Event> codec;
  const beneficiary::Beneficiary::Event event = SampleRegistered();
  std::string out;
  for (auto _ : state) {
    out.clear();
    codec.EncodeTo(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
}
BENCHMARK(EncodeEvent);

void DecodeEventIntoReusedMemory(benchmark::State& state) {
  const codec::EventCodec<beneficiary::Beneficiary::Event> codec;
  beneficiary::Beneficiary::Event event = SampleRegistered();
  const std::string bytes = codec.Encode(event);
  const std::string type = codec.TypeOf(event);
  for (auto _ : state) {
    if (!codec.DecodeInto(type, bytes, event).ok()) state.SkipWithError("does not decode");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(DecodeEventIntoReusedMemory);

codec::EnvelopeFields SampleEnvelope() {
  codec::EnvelopeFields fields;
  fields.event_id = *Uuid::Parse("157402e8-078d-8764-bea8-198235e56fd6");
  fields.command_id = CommandId(*Uuid::Parse("157402e8-078d-5764-bea8-198235e56fd6"));
  fields.actor = "anonymous";
  fields.recorded_at = Timestamp::FromMicros(1'767'323'045'123'456);
  return fields;
}

void EncodeEnvelope(benchmark::State& state) {
  const codec::EnvelopeFields fields = SampleEnvelope();
  std::string out;
  for (auto _ : state) {
    out.clear();
    codec::EncodeEnvelope(fields, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(EncodeEnvelope);

void DecodeEnvelopeIntoReusedMemory(benchmark::State& state) {
  std::string bytes;
  codec::EncodeEnvelope(SampleEnvelope(), bytes);
  EventMetadata metadata;
  for (auto _ : state) {
    if (!codec::DecodeEnvelopeInto(bytes, metadata).ok()) state.SkipWithError("does not decode");
  }
}
BENCHMARK(DecodeEnvelopeIntoReusedMemory);

}  // namespace
}  // namespace daybook::bench
