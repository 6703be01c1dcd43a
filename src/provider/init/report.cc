#include "report.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <cstring>

namespace gbuild::guest {

bool is_machine() { return ::getpid() == 1; }

void power_off() {
    if (is_machine()) {
        ::sync();
        ::reboot(RB_POWER_OFF);
        // Without a way to turn it off, a machine that is told not to start again ends here.
        ::reboot(RB_AUTOBOOT);
    }
    ::_exit(0);
}

void fail(const std::string& what, int error_number) {
    std::string line = "gbuild-init: " + what;
    if (error_number != 0) line += std::string(": ") + std::strerror(error_number);
    line += "\n";
    [[maybe_unused]] const ssize_t written = ::write(2, line.data(), line.size());
    power_off();
}

}  // namespace gbuild::guest
