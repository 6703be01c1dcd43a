// What EXPOSE takes: "80", "80/udp", "8000-8010/tcp".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gbuild::plan {

struct ExposedPorts {
    std::vector<std::string> ports;  // "80/tcp", one for each of a range
    bool names_host = false;         // an address or host port was given, and has no effect
};

// Throws dockerfile (without a place).
ExposedPorts parse_ports(std::string_view text);

}  // namespace gbuild::plan
