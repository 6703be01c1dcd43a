#pragma once

#include <string_view>

namespace gbuild::plan {

// What STOPSIGNAL takes: a number, or a Linux signal's name with or without SIG, in any case; RTMIN+3, RTMAX-1.
bool is_stop_signal(std::string_view text);

}  // namespace gbuild::plan
