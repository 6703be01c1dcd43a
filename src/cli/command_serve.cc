#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/cli/signals.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/serve/file_server.h"

namespace gbuild::cli {

namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// As others reach it: a server on all addresses is known by the machine's name.
std::string url_of(const serve::ListenAddress& address, const std::string& file) {
    const std::string authority =
        address.is_any ? fmt::format("{}:{}", host_name(), address.port) : address.authority();
    return fmt::format("http://{}/{}", authority, percent_encoded(file));
}

void wait_for_stop(const std::stop_token& stop) {
    const StopEvent stopped(stop);
    pollfd waited{stopped.fd(), POLLIN, 0};
    while (::poll(&waited, 1, -1) < 0 && errno == EINTR) {
    }
}

class ServeCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, image_argument_help);
        options.group("Options");
        options.value("--listen", "ADDRESS:PORT", listen_,
                      "where to listen; port 0 is a free one. Everybody who can reach the address can fetch the image");
        declare_root(options, root_);
        options.epilogue("Prints the URL and, for a demand, the task package, and serves until Ctrl-C.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild serve golem-example\n"
                         "  gbuild serve golem-example --listen 0.0.0.0:8080\n");
    }

    int run(Console& console) override {
        const ImageArgument image = find_image_argument(image_, store_root(root_));
        const std::string name = std::filesystem::path(image.file).filename().native();
        const pack::ImageReader reader(image.file);
        const std::string sha3 = reader.sha3();
        // Before the server's threads.
        const SignalWatcher signals;
        const serve::FileServer server({open_file(image.file, O_RDONLY), name, sha3}, listen_);
        const std::string url = url_of(server.address(), name);
        console.out.write(url + "\n" + sdk_lines("task-package", {sha3, image.file, url, ""}));
        if (!server.address().is_loopback) {
            console.err.write("everybody who can reach this address can fetch the image\n");
        }
        wait_for_stop(signals.stop());
        return 0;
    }

  private:
    std::string image_, root_, listen_ = "127.0.0.1:0";
};

}  // namespace

std::unique_ptr<Command> make_serve_command() { return std::make_unique<ServeCommand>(); }

}  // namespace gbuild::cli
