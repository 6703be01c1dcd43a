// A command of gbuild, and the table of them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/cli/console.h"
#include "gbuild/cli/options.h"

namespace gbuild::cli {

class Command {
  public:
    virtual ~Command() = default;
    virtual void declare(OptionSet& options) = 0;
    // After the options have been parsed. Returns the exit code; throws Error.
    virtual int run(Console& console) = 0;
};

struct CommandInfo {
    std::string_view name;
    std::string_view summary;
    std::unique_ptr<Command> (*create)();
};

// In the order of the help.
std::span<const CommandInfo> all_commands();
const CommandInfo* find_command(std::string_view name);  // null: no such command

// `gbuild help [COMMAND]`, and `gbuild --help`, in lines of at most so many columns where words allow that.
size_t help_columns(const Output& output);
std::string general_help(size_t columns);
std::string command_help(const CommandInfo& info, size_t columns);

// Runs a command as if it had been typed; throws Error.
int run_as_typed(std::string_view name, const std::vector<std::string>& arguments, Console& console);

std::unique_ptr<Command> make_build_command();
std::unique_ptr<Command> make_plan_command();
std::unique_ptr<Command> make_parse_command();
std::unique_ptr<Command> make_check_command();
std::unique_ptr<Command> make_images_command();
std::unique_ptr<Command> make_inspect_command();
std::unique_ptr<Command> make_ls_command();
std::unique_ptr<Command> make_cat_command();
std::unique_ptr<Command> make_extract_command();
std::unique_ptr<Command> make_diff_command();
std::unique_ptr<Command> make_login_command();
std::unique_ptr<Command> make_logout_command();
std::unique_ptr<Command> make_push_command();
std::unique_ptr<Command> make_pull_command();
std::unique_ptr<Command> make_resolve_command();
std::unique_ptr<Command> make_du_command();
std::unique_ptr<Command> make_history_command();
std::unique_ptr<Command> make_report_command();
std::unique_ptr<Command> make_doctor_command();
std::unique_ptr<Command> make_prune_command();
std::unique_ptr<Command> make_cache_command();
std::unique_ptr<Command> make_fsck_command();
std::unique_ptr<Command> make_serve_command();
std::unique_ptr<Command> make_convert_command();
std::unique_ptr<Command> make_manifest_command();
std::unique_ptr<Command> make_rmi_command();
std::unique_ptr<Command> make_tag_command();
std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_shell_command();
std::unique_ptr<Command> make_completion_command();
std::unique_ptr<Command> make_version_command();

}  // namespace gbuild::cli
