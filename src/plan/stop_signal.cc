#include "stop_signal.h"

#include <algorithm>
#include <array>
#include <string>

#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

constexpr uint64_t last_signal = 64;
constexpr uint64_t last_real_time = 30;  // RTMIN is 34 where the C library keeps two for itself

bool is_real_time(std::string_view name, std::string_view base, char sign) {
    if (name.substr(0, base.size()) != base) return false;
    name.remove_prefix(base.size());
    if (name.empty()) return true;
    auto offset = parse_decimal(name.substr(1));
    return name[0] == sign && offset && *offset <= last_real_time;
}

}  // namespace

bool is_stop_signal(std::string_view text) {
    if (auto number = parse_decimal(text)) return *number >= 1 && *number <= last_signal;
    constexpr std::array<std::string_view, 35> names = {
        "abrt", "alrm", "bus",  "chld", "cld",  "cont", "fpe",    "hup",    "ill",  "int",  "io",    "iot",
        "kill", "pipe", "poll", "prof", "pwr",  "quit", "segv",   "stkflt", "stop", "sys",  "term",  "trap",
        "tstp", "ttin", "ttou", "urg",  "usr1", "usr2", "vtalrm", "winch",  "xcpu", "xfsz", "unused"};
    std::string lower = to_lower(text);
    std::string_view name = lower;
    if (name.substr(0, 3) == "sig") name.remove_prefix(3);
    return std::find(names.begin(), names.end(), name) != names.end() || is_real_time(name, "rtmin", '+') ||
           is_real_time(name, "rtmax", '-');
}

}  // namespace gbuild::plan
