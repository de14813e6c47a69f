#ifndef BENEFICIARY_SWITCH_ADMIN_H_
#define BENEFICIARY_SWITCH_ADMIN_H_

#include <functional>
#include <string>
#include <vector>

#include "beneficiary/switch/evidence.h"
#include "beneficiary/switch/mode_table.h"
#include "beneficiary/switch/switch.h"
#include "daybook/http/router.h"

namespace beneficiary::switching {

// What the operator's page shows besides the evidence.
struct AdminContext {
  ModeTable& modes;
  Evidence& evidence;
  SwitchOptions options;
  std::function<SwitchStats()> stats;
  std::string version;
  std::vector<std::string> host_names = {};  // of the admin address, besides its numbers and localhost
};

// Adds the page and the API behind it; for the admin address only.
//
//   GET    /                            the page; /page.css and /page.js
//   GET    /api/status                  modes, sides, settings
//   GET    /api/evidence?course=fine    counts, latencies, differences; course=coarse: the day instead of half an hour
//   POST   /api/evidence:reset          forgets them
//   GET    /api/modes                   the modes in force, with an ETag
//   PUT    /api/modes/all               {"mode":"shadow","by":"…","reason":"…"}, If-Match optional
//   PUT    /api/modes/clients/{client}  likewise for one client
//   DELETE /api/modes/clients/{client}  gives it the mode of all again
//
// What changes something is refused (403) when a page of another origin asks for it, or one whose host is neither a
// number, nor localhost, nor one of host_names (DNS rebinding: a name of somebody else's that points here). `context`'s
// references outlive the router.
void AddAdmin(const AdminContext& context, daybook::http::Router& router);

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_ADMIN_H_
