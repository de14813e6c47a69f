#include <benchmark/benchmark.h>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/validation.h"
#include "daybook/base/uuid_source.h"
#include "micro/samples.h"

namespace daybook::bench {
namespace {

using beneficiary::Beneficiary;

Context ContextOf(const beneficiary::state::v1::BeneficiaryState& state) {
  Context context;
  context.now = Timestamp::FromMicros(1'767'323'046'000'000);
  context.command_id = CommandId(NameBasedUuid(kUuidNamespaceDns, "decide"));
  context.stream = StreamId(Beneficiary::kCategory, state.id());
  context.ids = &SystemNameBasedIds();
  return context;
}

void DecideSyncOfOneChangedField(benchmark::State& state) {
  const auto before = SampleState();
  const Context context = ContextOf(before);
  beneficiary::commands::v1::SyncFromBos sync;
  sync.set_instance("uk");
  sync.set_legacy_id("1234");
  *sync.mutable_image() = SampleImage();
  sync.mutable_image()->mutable_details()->set_name("Harbor Ember Iberia SL");
  for (auto _ : state) benchmark::DoNotOptimize(Beneficiary::Decide(before, sync, context));
}
BENCHMARK(DecideSyncOfOneChangedField);

void DecideAmendWithValidation(benchmark::State& state) {
  const auto before = SampleState();
  const Context context = ContextOf(before);
  beneficiary::commands::v1::AmendBeneficiary amend;
  amend.set_reference_information("Invoice 2026");
  for (auto _ : state) benchmark::DoNotOptimize(Beneficiary::Decide(before, amend, context));
}
BENCHMARK(DecideAmendWithValidation);

void EvolveRegistered(benchmark::State& state) {
  const auto registered = SampleRegistered();
  beneficiary::state::v1::BeneficiaryState folded;
  for (auto _ : state) {
    folded.Clear();
    Beneficiary::Evolve(folded, registered);
    benchmark::DoNotOptimize(&folded);
  }
}
BENCHMARK(EvolveRegistered);

void ValidateState(benchmark::State& state) {
  const auto subject = SampleState();
  for (auto _ : state) benchmark::DoNotOptimize(beneficiary::Validate(subject));
}
BENCHMARK(ValidateState);

}  // namespace
}  // namespace daybook::bench
