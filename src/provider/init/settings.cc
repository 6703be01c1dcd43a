#include "settings.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "descriptor.h"

namespace gbuild::guest {

Settings read_settings(const std::vector<std::string>& words) {
    Settings settings;
    for (const std::string_view word : words) {
        const size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
        if (name == "sandbox") settings.mode = Settings::Mode::sandbox;
        if (name == "serve") settings.mode = Settings::Mode::serve;
        if (name == "hostname") settings.hostname = value;
        if (name == "gbuild.root") settings.root_size = value;
        if (name == "gbuild.nameserver") settings.nameservers.push_back(value);
        if (name == "gbuild.address") settings.address = value;
        if (name == "gbuild.gateway") settings.gateway = value;
    }
    return settings;
}

std::vector<std::string> kernel_words() {
    const Descriptor file(::open("/proc/cmdline", O_RDONLY | O_CLOEXEC));
    std::string text(4096, '\0');
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (c == ' ' || c == '\n') {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    return words;
}

}  // namespace gbuild::guest
