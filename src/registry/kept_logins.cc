#include "gbuild/registry/kept_logins.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/process.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::registry {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr size_t max_file = 4u << 20;
constexpr mode_t only_the_owner = 0600;

bool is_file_there(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
}

// Of all files that are there, without repetition.
std::vector<std::string> helper_programs(const LoginPlaces& places, const std::string& registry) {
    std::vector<std::string> programs;
    for (const fs::path& path : places.files.paths) {
        if (!is_file_there(path)) continue;
        std::string program = AuthFile(read_text_file(path, max_file), path).helper_program(registry);
        if (program.empty() || std::find(programs.begin(), programs.end(), program) != programs.end()) continue;
        programs.push_back(std::move(program));
    }
    return programs;
}

CommandResult run_helper(const LoginPlaces& places, const std::string& program, const char* action, std::string input,
                         const std::stop_token& stop) {
    CommandOptions options;
    options.input = std::move(input);
    options.timeout = places.helper_timeout;
    options.stop = stop;
    return run_command({program, action}, options);
}

// Helpers say on either output what went wrong. What they say of a secret is not repeated.
Error helper_failed(const std::string& program, const CommandResult& result, const std::string& what) {
    const std::string_view said = trim(result.err.empty() ? result.out : result.err);
    const bool shows_nothing = said.empty() || said.find_first_of("{[") != std::string_view::npos;
    return Error(ErrorKind::unauthorized, fmt::format("{} cannot {} the login: {}", program, what,
                                                      shows_nothing ? fmt::format("exit code {}", result.exit_code)
                                                                    : printable(said.substr(0, 200))))
        .hint("see what it needs (an unlocked keyring, for example), or give a file with --authfile");
}

Json read_auth_file(const fs::path& path) {
    if (!is_file_there(path)) return Json::object();
    const std::string text = read_text_file(path, max_file);
    if (trim(text).empty()) return Json::object();
    Json document = Json::parse(text, nullptr, false);
    const bool sound = document.is_object() && (!document.contains("auths") || document["auths"].is_object());
    if (!sound) {
        throw Error(ErrorKind::usage, fmt::format("{} is not an auth file", quoted(path.native())))
            .hint("move it away, or give another one with --authfile");
    }
    return document;
}

void write_auth_file(const fs::path& path, const Json& document) {
    if (const fs::path parent = path.parent_path(); !parent.empty() && !is_file_there(parent)) {
        std::error_code error;
        fs::create_directories(parent.parent_path(), error);
        if (::mkdir(parent.c_str(), 0700) != 0 && !is_file_there(parent)) {
            throw_errno(fmt::format("cannot create {}", quoted(parent.native())));
        }
    }
    // A link is somebody's arrangement: the file that it leads to is replaced.
    std::error_code error;
    const fs::path real = fs::is_symlink(path, error) ? fs::weakly_canonical(path) : path;
    write_file_atomically(real, document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", only_the_owner);
}

bool forget_in_file(const fs::path& path, const std::string& registry) {
    if (!is_file_there(path)) return false;
    Json document = read_auth_file(path);
    if (!document.contains("auths") || document["auths"].erase(registry) == 0) return false;
    write_auth_file(path, document);
    return true;
}

}  // namespace

std::string keep_login(const LoginPlaces& places, const std::string& registry, const Credential& credential,
                       const std::stop_token& stop) {
    if (const auto programs = helper_programs(places, registry); !programs.empty()) {
        const Json login{{"ServerURL", registry}, {"Username", credential.username}, {"Secret", credential.password}};
        const std::string input = login.dump(-1, ' ', false, Json::error_handler_t::replace);
        const CommandResult result = run_helper(places, programs.front(), "store", input, stop);
        if (result.exit_code != 0) throw helper_failed(programs.front(), result, "keep");
        return programs.front();
    }
    if (places.file.empty()) {
        throw Error(ErrorKind::usage, "there is no place for the login: neither HOME nor XDG_CONFIG_HOME is set")
            .hint("set HOME, or give a file with --authfile");
    }
    Json document = read_auth_file(places.file);
    document["auths"][registry] = Json{{"auth", base64_encode(credential.username + ":" + credential.password)}};
    write_auth_file(places.file, document);
    return places.file.native();
}

std::vector<std::string> forget_login(const LoginPlaces& places, const std::string& registry,
                                      const std::stop_token& stop) {
    std::vector<std::string> found;
    for (const std::string& program : helper_programs(places, registry)) {
        // Asked first, since erasing what is not there is an error to some helpers and none to others.
        const CommandResult kept = run_helper(places, program, "get", registry, stop);
        if (kept.exit_code != 0) continue;
        const CommandResult result = run_helper(places, program, "erase", registry, stop);
        if (result.exit_code != 0) throw helper_failed(program, result, "forget");
        found.push_back(program);
    }
    std::vector<fs::path> paths = places.files.paths;
    if (std::find(paths.begin(), paths.end(), places.file) == paths.end()) paths.push_back(places.file);
    for (const fs::path& path : paths) {
        if (forget_in_file(path, registry)) found.push_back(path.native());
    }
    return found;
}

}  // namespace gbuild::registry
