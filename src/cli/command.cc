#include "gbuild/cli/command.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

namespace {

constexpr auto commands = std::to_array<CommandInfo>({
    {"build", "build a Dockerfile into a .gvmi (the default command)", make_build_command},
    {"plan", "print what a build would do", make_plan_command},
    {"convert", "turn a container image into a .gvmi", make_convert_command},
    {"check", "find what is wrong, wasteful or surprising in a Dockerfile", make_check_command},
    {"parse", "print a Dockerfile's syntax as JSON", make_parse_command},
    {"images", "list the images built here", make_images_command},
    {"tag", "give an image a further name", make_tag_command},
    {"rmi", "forget images' names", make_rmi_command},
    {"inspect", "print an image's configuration and facts", make_inspect_command},
    {"ls", "list files of an image", make_ls_command},
    {"cat", "print a file of an image", make_cat_command},
    {"extract", "copy files of an image to a directory", make_extract_command},
    {"diff", "tell what differs between two images", make_diff_command},
    {"run", "run a command in an image as a provider does", make_run_command},
    {"shell", "open a shell in an image", make_shell_command},
    {"login", "log in to the Golem registry", make_login_command},
    {"logout", "forget the login to the Golem registry", make_logout_command},
    {"push", "publish an image in the Golem registry", make_push_command},
    {"pull", "download an image from the Golem registry", make_pull_command},
    {"resolve", "tell hash, place and size of an image in the Golem registry", make_resolve_command},
    {"serve", "serve an image over HTTP, for SDKs that take a URL", make_serve_command},
    {"manifest", "write, sign or verify a computation payload manifest", make_manifest_command},
    {"history", "tell which step of an image wrote how much", make_history_command},
    {"du", "tell which directories make an image large", make_du_command},
    {"report", "write a page about an image, for a browser", make_report_command},
    {"doctor", "tell how RUN can be executed on this machine", make_doctor_command},
    {"cache", "list what is kept between builds", make_cache_command},
    {"prune", "remove what is kept between builds", make_prune_command},
    {"fsck", "verify what is kept between builds", make_fsck_command},
    {"completion", "print a shell's script that completes gbuild's words", make_completion_command},
    {"version", "print the versions of gbuild and its libraries", make_version_command},
});

}  // namespace

std::span<const CommandInfo> all_commands() { return commands; }

const CommandInfo* find_command(std::string_view name) {
    auto found = std::find_if(commands.begin(), commands.end(), [&](const auto& info) { return info.name == name; });
    return found == commands.end() ? nullptr : &*found;
}

std::string general_help(size_t columns) {
    const auto paragraph = [&](std::string_view words) { return wrap(words, 0, columns) + "\n"; };
    std::string text = "usage: gbuild [build] [OPTIONS] CONTEXT\n"
                       "       gbuild COMMAND [OPTIONS] …\n"
                       "\n";
    text += paragraph("Builds a Dockerfile straight into a Golem Network VM image, without Docker, daemon or root.");
    text += "\nCommands:\n";
    for (const auto& info : commands) text += fmt::format("  {:<10} {}\n", info.name, wrap(info.summary, 13, columns));
    text += "\n";
    text +=
        paragraph("gbuild help COMMAND, or gbuild COMMAND --help, tells a command's options. A context whose name is "
                  "that of a command is reached as ./NAME.");
    text += "\nExit codes:\n";
    for (const auto& entry : exit_codes)
        text += fmt::format("  {:>3}  {}\n", entry.code, wrap(entry.meaning, 7, columns));
    text += "\n"
            "Examples:\n"
            "  gbuild check .\n"
            "  gbuild -t golem-example .\n"
            "  gbuild inspect golem-example-latest.gvmi\n";
    return text;
}

int run_as_typed(std::string_view name, const std::vector<std::string>& arguments, Console& console) {
    const CommandInfo* info = find_command(name);
    if (info == nullptr) throw Error(ErrorKind::internal, fmt::format("there is no command {}", quoted(name)));
    OptionSet options(fmt::format("gbuild {}", name), std::string(info->summary));
    auto command = info->create();
    command->declare(options);
    if (options.parse(arguments) == OptionSet::Outcome::run) return command->run(console);
    console.out.write(options.help(help_columns(console.out)));
    return 0;
}

size_t help_columns(const Output& output) {
    constexpr int least = 20;
    return static_cast<size_t>(std::max(least, output.columns()));
}

std::string command_help(const CommandInfo& info, size_t columns) {
    OptionSet options(fmt::format("gbuild {}", info.name), std::string(info.summary));
    auto command = info.create();
    command->declare(options);
    return options.help(columns);
}

}  // namespace gbuild::cli
