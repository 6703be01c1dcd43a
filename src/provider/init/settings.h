// What gbuild tells its init: words of the kernel's command line, or arguments.
#pragma once

#include <string>
#include <vector>

namespace gbuild::guest {

struct Settings {
    enum class Mode {
        machine,  // makes the root directory from the machine's disks
        sandbox,  // has it already
        serve,    // touches nothing, but answers requests
    };
    Mode mode = Mode::machine;
    std::string hostname = "golem";        // hostname=NAME
    std::string root_size = "50%";         // gbuild.root=SIZE, as tmpfs takes it
    std::vector<std::string> nameservers;  // gbuild.nameserver=ADDRESS, repeated
    std::string address, gateway;          // gbuild.address=, gbuild.gateway=: of the first network card
};

Settings read_settings(const std::vector<std::string>& words);
std::vector<std::string> kernel_words();

}  // namespace gbuild::guest
