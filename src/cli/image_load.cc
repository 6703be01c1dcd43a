#include "gbuild/cli/image_load.h"

#include <chrono>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/process.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

// "" when it answers, else what keeps it from doing so.
std::string trouble_with(const std::string& program) {
    try {
        // It reaches its daemon, where it has one, to tell that one's version.
        const CommandResult result = run_command({program, "version"}, {{}, 1u << 20, std::chrono::seconds(20), {}});
        if (result.exit_code == 0) return {};
        const std::string_view said = trim(result.err);
        return fmt::format("{} does not answer: {}", program, printable(said.substr(0, said.find('\n'))));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return fmt::format("{} is not installed", program);
        return fmt::format("{} cannot be asked: {}", program, error.message());
    }
}

}  // namespace

std::string find_image_loader() {
    std::string troubles;
    for (const char* program : {"docker", "podman"}) {
        const std::string trouble = trouble_with(program);
        if (trouble.empty()) return program;
        troubles += (troubles.empty() ? "" : "; ") + trouble;
    }
    throw Error(ErrorKind::unsupported, fmt::format("--load has nowhere to load the image: {}", troubles))
        .hint("start docker, or write -o type=docker,dest=FILE and load the file where it runs");
}

void load_image(const std::string& loader, const std::filesystem::path& archive, Console& console) {
    const CommandResult result =
        run_command({loader, "load", "-i", archive.native()}, {{}, 1u << 20, std::chrono::hours(1), {}});
    for (const std::string& line : split(trim(result.exit_code == 0 ? result.out : result.err), '\n')) {
        if (!line.empty()) console.err.write(fmt::format("{}: {}\n", loader, safe_text(line)));
    }
    if (result.exit_code == 0) return;
    throw Error(ErrorKind::io, fmt::format("{} load failed with exit code {}", loader, result.exit_code))
        .hint("what else the build writes is there; -o type=docker,dest=FILE keeps the archive");
}

}  // namespace gbuild::cli
