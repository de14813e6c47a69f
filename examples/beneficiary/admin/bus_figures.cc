#include "beneficiary/admin/bus_figures.h"

#include <span>

namespace beneficiary {

daybook::bus::FiguresHandler BusFigures(daybook::observe::Metrics& metrics) {
  return [&metrics](std::span<const daybook::bus::Figure> figures) {
    for (const daybook::bus::Figure& figure : figures) {
      metrics.GetGauge(figure.name, figure.help, figure.labels).Set(figure.value);
    }
  };
}

}  // namespace beneficiary
