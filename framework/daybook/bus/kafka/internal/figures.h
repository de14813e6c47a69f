#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_FIGURES_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_FIGURES_H_

#include <string_view>
#include <vector>

#include "daybook/bus/bus.h"

namespace daybook::bus::internal {

struct ClientFigures {
  std::vector<Figure> figures;
  int brokers_up = 0;
};

// librdkafka's statistics (its STATISTICS.md) as the figures of docs/reference/bus.md. What cannot be read is left
// out.
ClientFigures ReadFigures(std::string_view json, std::string_view client);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_FIGURES_H_
