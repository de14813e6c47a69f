#include <iostream>

#include "daybook/core/stream_id.h"

int main() {
  std::cout << daybook::StreamId("meter", "m-1").text() << "\n";
  return 0;
}
