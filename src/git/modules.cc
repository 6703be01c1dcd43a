#include "modules.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/git/repository.h"

namespace gbuild::git {

namespace {

// A value: quotes and backslashes resolved, cut at a comment.
std::string unquoted(std::string_view text) {
    std::string out;
    bool in_quotes = false;
    for (size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (c == '"') {
            in_quotes = !in_quotes;
        } else if (c == '\\' && i + 1 < text.size()) {
            out += text[++i];
        } else if (!in_quotes && (c == '#' || c == ';')) {
            break;
        } else {
            out += c;
        }
    }
    return std::string(trim(out));
}

struct Module {
    std::string path, url;
};

}  // namespace

std::map<std::string, std::string> parse_modules(std::string_view text) {
    std::map<std::string, Module> by_name;
    Module* current = nullptr;
    for (const std::string& raw : split(text, '\n')) {
        const std::string_view line = trim(raw);
        if (line.starts_with('[')) {
            current = nullptr;
            const size_t end = line.rfind(']');
            if (end == std::string_view::npos) continue;
            const std::string_view head = trim(line.substr(1, end - 1));
            const size_t blank = head.find_first_of(" \t");
            if (blank == std::string_view::npos || !equal_ignoring_case(head.substr(0, blank), "submodule")) continue;
            current = &by_name[unquoted(trim(head.substr(blank)))];
            continue;
        }
        const size_t equals = line.find('=');
        if (!current || equals == std::string_view::npos) continue;
        const std::string_view key = trim(line.substr(0, equals));
        if (equal_ignoring_case(key, "path")) current->path = unquoted(trim(line.substr(equals + 1)));
        if (equal_ignoring_case(key, "url")) current->url = unquoted(trim(line.substr(equals + 1)));
    }
    std::map<std::string, std::string> urls;
    for (auto& [name, module] : by_name) {
        while (module.path.ends_with('/')) module.path.pop_back();
        if (!module.path.empty() && !module.url.empty()) urls[module.path] = module.url;
    }
    return urls;
}

std::string resolve_submodule_url(const std::string& parent, const std::string& url) {
    if (!url.starts_with("./") && !url.starts_with("../")) return url;
    const size_t scheme = parent.find("://");
    const bool is_short = scheme == std::string::npos;  // USER@HOST:PATH
    const size_t host_end = is_short ? parent.find(':') : parent.find('/', scheme + 3);
    std::string base = parent;
    while (base.ends_with('/')) base.pop_back();
    std::string_view rest = url;
    char joint = '/';
    for (;;) {
        if (rest.starts_with("./")) {
            rest.remove_prefix(2);
        } else if (rest.starts_with("../")) {
            rest.remove_prefix(3);
            const size_t cut = base.find_last_of(is_short ? "/:" : "/");
            if (cut == std::string::npos || host_end == std::string::npos || cut < host_end) {
                throw Error(ErrorKind::integrity,
                            fmt::format("the submodule's URL {} leads out of the repository's host", quoted(url)));
            }
            joint = base[cut];
            base.resize(cut);
        } else {
            return base + joint + std::string(rest);
        }
    }
}

}  // namespace gbuild::git
