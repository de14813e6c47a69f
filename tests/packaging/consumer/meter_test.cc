#include "meter.h"

#include <gtest/gtest.h>

#include "daybook/testing/spec.h"

namespace meter {
namespace {

using MeterSpec = daybook::testing::Spec<Meter>;
using daybook::Code;

v1::Installed Installed(const char* place) {
  v1::Installed installed;
  installed.set_place(place);
  return installed;
}

v1::Read Read(int kwh) {
  v1::Read read;
  read.set_kwh(kwh);
  return read;
}

TEST(MeterSpec, ReadingsOnlyGoUp) {
  v1::ReadingTaken taken;
  taken.set_kwh(7);
  taken.set_taken_at_us(1000);
  MeterSpec().Given(Installed("cellar")).At(1).When(Read(7)).Then(taken).ThenRetryIsUnchanged();
  MeterSpec().Given(Installed("cellar"), taken).When(Read(6)).ThenRejected(Code::kFailedPrecondition, "RUNS_BACK");
  MeterSpec().When(Read(7)).ThenRejected(Code::kNotFound, "NOT_INSTALLED");
}

}  // namespace
}  // namespace meter
