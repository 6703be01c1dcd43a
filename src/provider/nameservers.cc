#include "nameservers.h"

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::provider {

namespace {

std::vector<std::string> listed_in(const char* path) {
    constexpr size_t cap = 1 << 20;
    std::vector<std::string> addresses;
    std::string text;
    try {
        text = read_text_file(path, cap);
    } catch (const Error&) {
        return addresses;
    }
    for (const std::string& line : split(text, '\n')) {
        constexpr std::string_view word = "nameserver ";
        if (!line.starts_with(word)) continue;
        addresses.emplace_back(trim(std::string_view(line).substr(word.size())));
    }
    return addresses;
}

}  // namespace

std::vector<std::string> nameservers() {
    std::vector<std::string> addresses = listed_in("/etc/resolv.conf");
    if (addresses == std::vector<std::string>{"127.0.0.53"}) return listed_in("/run/systemd/resolve/resolv.conf");
    return addresses;
}

}  // namespace gbuild::provider
