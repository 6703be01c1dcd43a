#include "gbuild/golem/volumes.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/contract_rules.h"

namespace gbuild::golem {

std::string clean_volume(std::string_view path) {
    std::vector<std::string> parts;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            parts.push_back(std::move(part));
        else if (!parts.empty())
            parts.pop_back();
    }
    return '/' + join(parts, "/");
}

std::set<std::string> clean_volumes(const std::set<std::string>& paths) {
    std::set<std::string> clean;
    for (const std::string& path : paths) clean.insert(clean_volume(path));
    return clean;
}

std::vector<VolumeInside> nested_volumes(const std::set<std::string>& volumes) {
    std::vector<VolumeInside> nested;
    for (const std::string& inner : volumes) {
        // The nearest of those above it.
        for (size_t end = inner.rfind('/'); end != std::string::npos && end > 0; end = inner.rfind('/', end - 1)) {
            const auto outer = volumes.find(inner.substr(0, end));
            if (outer == volumes.end()) continue;
            nested.push_back({inner, *outer});
            break;
        }
    }
    return nested;
}

std::set<std::string> vm_volumes(const tree::Tree& tree, const std::set<std::string>& volumes, const Places& places) {
    std::set<std::string> result;
    for (const std::string& volume : clean_volumes(volumes)) {
        std::string real = '/' + tree.resolve(volume, tree::FollowLast::yes);
        const auto place = places ? places("VOLUME", volume) : std::nullopt;
        if (real != volume && place) {
            throw Error(ErrorKind::dockerfile, fmt::format("the volume {} lies behind a link: {}", quoted(volume),
                                                           contract_rule("volume-behind-link").vm))
                .hint(fmt::format("write VOLUME {}", printable(real)))
                .at(*place);
        }
        result.insert(std::move(real));
    }
    if (result.size() > max_volumes) {
        const ContractRule& rule = contract_rule("volumes-too-many");
        throw Error(ErrorKind::limit, fmt::format("the image has {} volumes: {}", result.size(), rule.vm))
            .hint(std::string(rule.remedy));
    }
    return result;
}

}  // namespace gbuild::golem
