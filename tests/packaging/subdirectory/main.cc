// Writes an event with the codec and reads it back.
#include <iostream>

#include "daybook/codec/event_codec.h"
#include "meter.h"

int main() {
  meter::v1::ReadingTaken taken;
  taken.set_kwh(42);
  const daybook::codec::EventCodec<meter::Meter::Event> codec;
  const meter::Meter::Event event(taken);
  const auto back = codec.Decode(codec.TypeOf(event), codec.Encode(event));
  if (!back.ok()) {
    std::cerr << back.status() << "\n";
    return 1;
  }
  std::cout << codec.TypeOf(event) << " " << std::get<meter::v1::ReadingTaken>(*back).kwh() << "\n";
  return 0;
}
