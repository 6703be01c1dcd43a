// What EXPOSE takes: "80", "80/udp", "8000-8010/tcp".
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::plan {

struct PortRange {
    std::string protocol;  // "tcp", "udp" or "sctp"
    uint16_t first = 0, last = 0;
    bool names_host = false;  // an address or host port was given, and has no effect
};

// Throws dockerfile (without a place).
PortRange parse_ports(std::string_view text);

// "80/tcp", one for each port. Takes the time of the ports they cover, however many ranges cover them.
std::set<std::string> port_names(std::vector<PortRange> ranges);

}  // namespace gbuild::plan
