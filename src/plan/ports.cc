#include "ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"

namespace gbuild::plan {

namespace {

// First and last.
std::optional<std::pair<uint16_t, uint16_t>> parse_range(std::string_view text) {
    size_t dash = text.find('-');
    auto first = parse_decimal(text.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parse_decimal(text.substr(dash + 1));
    if (!first || !last || *first > *last || *last > 65535) return std::nullopt;
    return std::pair(static_cast<uint16_t>(*first), static_cast<uint16_t>(*last));
}

bool is_address(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    const std::string name(text);
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

// What stands before the container's port: "PORT" or "ADDRESS:PORT", of which PORT may be empty.
void check_host(std::string_view text, std::string_view host) {
    const size_t colon = host.rfind(':');
    const std::string_view port = host.substr(colon == std::string_view::npos ? 0 : colon + 1);
    const std::string_view address = colon == std::string_view::npos ? std::string_view() : host.substr(0, colon);
    const bool is_known = (address.empty() || is_address(address)) && (port.empty() || parse_range(port));
    if (is_known) return;
    throw Error(ErrorKind::dockerfile, fmt::format("{} is not a port: {} is neither a port nor an address and a port",
                                                   quoted(text), quoted(host)))
        .hint("write the port of the container alone: EXPOSE takes no host");
}

}  // namespace

PortRange parse_ports(std::string_view text) {
    PortRange result;
    std::string_view ports = text;
    if (size_t colon = ports.rfind(':'); colon != std::string_view::npos) {
        result.names_host = true;
        ports.remove_prefix(colon + 1);
        check_host(text, text.substr(0, colon));
    }
    size_t slash = ports.find('/');
    std::string protocol = slash == std::string_view::npos ? "tcp" : to_lower(ports.substr(slash + 1));
    const std::vector<std::string> protocols = {"tcp", "udp", "sctp"};
    if (protocol.empty()) protocol = "tcp";
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is no protocol of a port", quoted(protocol)))
            .hint(dockerfile::suggest(protocol, protocols, "", "it is tcp, udp or sctp"));
    }
    auto range = parse_range(ports.substr(0, slash));
    if (!range) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is no port", quoted(text)))
            .hint("give a number from 0 to 65535 or a range (8000-8010), with /udp or /sctp after it if need be");
    }
    result.protocol = std::move(protocol);
    std::tie(result.first, result.last) = *range;
    return result;
}

std::set<std::string> port_names(std::vector<PortRange> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const PortRange& a, const PortRange& b) {
        return std::tie(a.protocol, a.first) < std::tie(b.protocol, b.first);
    });
    std::set<std::string> names;
    std::string_view protocol;
    int next = 0;  // port of `protocol` that no earlier range reached
    for (const PortRange& range : ranges) {
        if (range.protocol != protocol) next = 0;
        protocol = range.protocol;
        for (next = std::max<int>(next, range.first); next <= range.last; next++) {
            names.insert(fmt::format("{}/{}", next, protocol));
        }
    }
    return names;
}

}  // namespace gbuild::plan
