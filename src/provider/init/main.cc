// gbuild's init: what stands in a virtual machine, or in a sandbox, for the init of a provider's VM. A program of its
// own, linked statically, that gbuild carries along.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "machine.h"
#include "report.h"
#include "root.h"
#include "server.h"
#include "settings.h"

namespace gbuild::guest {

namespace {

// Standard input is where requests come from; what is run has another one.
Descriptor channel_of_sandbox() { return Descriptor(::fcntl(0, F_DUPFD_CLOEXEC, 64)); }

// The file it was started from is none that an image has.
void remove_program(const std::string& program) {
    ::unlink(program.c_str());
    ::rmdir(program.substr(0, program.rfind('/')).c_str());
}

[[noreturn]] void run(const std::vector<std::string>& words) {
    Settings settings = read_settings(words);
    ::umask(022);
    if (is_machine()) {
        Descriptor channel = prepare_machine(settings);
        prepare_root(settings);
        Server(std::move(channel), settings.mode).run();
    }
    if (settings.mode == Settings::Mode::sandbox) {
        remove_program(words.front());
        prepare_root(settings);
    }
    Server(channel_of_sandbox(), settings.mode).run();
}

}  // namespace

}  // namespace gbuild::guest

int main(int count, char** arguments) { gbuild::guest::run({arguments, arguments + count}); }
