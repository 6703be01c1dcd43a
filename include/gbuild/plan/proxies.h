// The variables that name proxies.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace gbuild::plan {

struct ProxyName {
    std::string_view lower, upper;
};
// Some programs read one of the two cases only.
inline constexpr std::array<ProxyName, 5> proxy_names = {{{"http_proxy", "HTTP_PROXY"},
                                                          {"https_proxy", "HTTPS_PROXY"},
                                                          {"ftp_proxy", "FTP_PROXY"},
                                                          {"no_proxy", "NO_PROXY"},
                                                          {"all_proxy", "ALL_PROXY"}}};

// HTTP_PROXY and its relatives, in any case: known without ARG.
bool is_proxy_name(std::string_view name);

// The proxies among build arguments, each in both cases. As BuildKit has it, the last one counts of those that differ
// in their name's case only: lower case comes after capitals.
std::map<std::string, std::string> proxies_in_both_cases(const std::map<std::string, std::string>& build_args);

}  // namespace gbuild::plan
