#include "gbuild/plan/proxies.h"

#include <algorithm>

#include "gbuild/base/text.h"

namespace gbuild::plan {

bool is_proxy_name(std::string_view name) {
    return std::any_of(proxy_names.begin(), proxy_names.end(),
                       [&](const ProxyName& proxy) { return equal_ignoring_case(proxy.lower, name); });
}

std::map<std::string, std::string> proxies_in_both_cases(const std::map<std::string, std::string>& build_args) {
    std::map<std::string, std::string> proxies;
    for (const auto& [name, value] : build_args) {
        for (const ProxyName& proxy : proxy_names) {
            if (!equal_ignoring_case(proxy.lower, name)) continue;
            proxies[std::string(proxy.lower)] = value;
            proxies[std::string(proxy.upper)] = value;
        }
    }
    return proxies;
}

}  // namespace gbuild::plan
