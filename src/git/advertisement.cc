#include "advertisement.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::git {

namespace {

constexpr size_t id_digits = 40;
constexpr size_t sha256_digits = 64;
constexpr uint64_t largest_advertisement = 256u << 20;
constexpr std::string_view peeled = "^{}";
constexpr std::string_view format_key = "object-format=";

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

[[noreturn]] void refuse_format(std::string_view format) {
    throw Error(ErrorKind::unsupported,
                fmt::format("the repository has the object format {}, which gbuild does not read", quoted(format)))
        .hint("use a repository of the format \"sha1\", or put a clone into the build context");
}

void read_capabilities(Advertisement& into, std::string_view text) {
    for (std::string& word : split(text, ' ')) {
        if (word.starts_with(format_key) && word != "object-format=sha1") {
            refuse_format(std::string_view(word).substr(format_key.size()));
        }
        if (!word.empty()) into.capabilities.insert(std::move(word));
    }
}

void read_reference(Advertisement& into, std::string_view line) {
    const size_t blank = line.find(' ');
    const std::string_view id = line.substr(0, blank);
    if (id.size() == sha256_digits && is_hex(id)) refuse_format("sha256");
    if (blank == std::string_view::npos || !is_full_id(id)) {
        throw Error(ErrorKind::network, fmt::format("the server's list of references has the line {}", quoted(line)))
            .hint("check the URL");
    }
    const std::string_view name = line.substr(blank + 1);
    // A repository without references has this in place of one.
    if (name != "capabilities^{}") into.references.push_back({std::string(name), std::string(id)});
}

}  // namespace

bool is_full_id(std::string_view text) { return text.size() == id_digits && is_hex(text); }

Advertisement read_advertisement(PacketReader& from) {
    Advertisement advertisement;
    bool is_first = true;
    while (auto line = from.next_line()) {
        if (from.received() > largest_advertisement) {
            throw Error(ErrorKind::limit, fmt::format("the server's list of references is larger than {}",
                                                      human_size(largest_advertisement)));
        }
        if (line->starts_with("# service=")) {
            // HTTP's own heading, which a flush ends.
            if (from.next()) throw Error(ErrorKind::network, "the server's answer is not git's protocol");
            continue;
        }
        if (line->starts_with("version ")) {
            if (*line != "version 1")
                throw Error(ErrorKind::unsupported, fmt::format("the server speaks only {}", quoted(*line)));
            continue;
        }
        if (line->starts_with("shallow ")) continue;
        const size_t end = line->find('\0');
        if (is_first && end != std::string_view::npos) read_capabilities(advertisement, line->substr(end + 1));
        read_reference(advertisement, line->substr(0, end));
        is_first = false;
    }
    return advertisement;
}

namespace {

Error missing(const Advertisement& offered, const std::string& ref) {
    Error error(ErrorKind::not_found, fmt::format("the repository has no branch or tag {}", quoted(ref)));
    std::vector<std::string> names;
    for (const Advertised& one : offered.references) {
        for (std::string_view prefix : {"refs/heads/", "refs/tags/"}) {
            if (one.name.starts_with(prefix) && !one.name.ends_with(peeled)) {
                names.push_back(one.name.substr(ref.starts_with(prefix) ? 0 : prefix.size()));
            }
        }
    }
    if (auto like = nearest(ref, names)) return error.hint(fmt::format("did you mean {}?", quoted(*like)));
    if (ref.size() >= 4 && is_hex(ref)) return error.hint("a commit is named by all 40 digits of its id");
    return error.hint("check the name, which stands behind # or in the query");
}

}  // namespace

Advertised Advertisement::find(const std::string& ref) const {
    const auto named = [&](const std::string& name) {
        return std::find_if(references.begin(), references.end(),
                            [&](const Advertised& one) { return one.name == name; });
    };
    if (ref.empty()) {
        if (const auto head = named("HEAD"); head != references.end()) return *head;
        throw Error(ErrorKind::not_found, "the repository has no HEAD: it is empty")
            .hint("name a branch, tag or commit behind #");
    }
    for (const std::string& name : {ref, "refs/heads/" + ref, "refs/tags/" + ref, "refs/" + ref}) {
        if (const auto found = named(name); found != references.end()) return *found;
    }
    if (!is_full_id(ref)) throw missing(*this, ref);
    const auto at = std::find_if(references.begin(), references.end(),
                                 [&](const Advertised& one) { return one.id == ref && !one.name.ends_with(peeled); });
    return at != references.end() ? *at : Advertised{"", ref};
}

}  // namespace gbuild::git
