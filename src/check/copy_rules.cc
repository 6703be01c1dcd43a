// COPY and ADD.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/golem/secrets.h"
#include "outline.h"

namespace gbuild::check {

namespace {

bool is_remote(std::string_view source) {
    return source.find("://") != std::string_view::npos || source.starts_with("git@");
}

bool is_archive(std::string_view source) {
    constexpr std::array<std::string_view, 13> ends = {".tar", ".tar.gz",  ".tgz", ".tar.bz2", ".tbz2",
                                                       ".tbz", ".tar.xz",  ".txz", ".xz",      ".gz",
                                                       ".bz2", ".tar.zst", ".tzst"};
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return source.ends_with(end); });
}

bool has_variable(std::string_view text) { return text.find('$') != std::string_view::npos; }
bool has_wildcard(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

// "./src/" is "src"; empty for the whole context.
std::string context_path(std::string_view source) {
    std::vector<std::string> parts;
    for (std::string& part : split(source, '/')) {
        if (part == "..") return {};
        if (!part.empty() && part != ".") parts.push_back(std::move(part));
    }
    return join(parts, "/");
}

class CopyRules {
  public:
    CopyRules(const Outline& outline, const Instruction& copy, Report& report) :
        outline_(outline), copy_(copy), report_(report) {}

    void run(bool has_workdir) {
        if (copy_.args.empty()) return;
        if (copy_.name == "ADD") plain_add();
        if (!copy_.flag("from")) ignored();
        secrets();
        if (!has_workdir) relative_destination();
    }

  private:
    SourceSpan place(size_t argument) const {
        const auto known = copy_.arg_spans.at(argument);
        return known ? *known : outline_.file.span_of(copy_, copy_.args[argument]);
    }

    void plain_add() {
        for (const char* flag : {"checksum", "keep-git-dir", "unpack"}) {
            if (copy_.flag(flag)) return;
        }
        const size_t sources = copy_.args.size() - 1;
        for (size_t i = 0; i < sources; i++) {
            const std::string& source = copy_.args[i];
            if (is_remote(source) || is_archive(source) || has_variable(source) || has_wildcard(source)) return;
        }
        report_.add("add-instead-of-copy", "ADD also fetches and unpacks, and here there is nothing to fetch or unpack",
                    copy_.span, "write COPY");
    }

    void ignored() {
        const dockerfile::IgnoreRules* ignore = outline_.request.ignore;
        if (!ignore || ignore->empty()) return;
        for (size_t i = 0; i + 1 < copy_.args.size(); i++) {
            const std::string& source = copy_.args[i];
            if (is_remote(source) || has_variable(source)) continue;
            std::string path = context_path(source);
            // All that is in a directory is there under the directory's own name, too.
            const bool all_inside = path == "*" || path.ends_with("/*");
            if (all_inside) path.resize(path.size() == 1 ? 0 : path.size() - 2);
            // With exceptions, part of what is excluded may be there again.
            if (has_wildcard(path) || ignore->may_reinclude_below(path)) continue;
            if (!path.empty() && ignore->excluded(path)) {
                report_.add("copy-ignored-file",
                            fmt::format("{} is left out of the context by .dockerignore", quoted(source)), place(i),
                            "take it out of .dockerignore, or out of this line");
            } else if (excludes_all_in(*ignore, path)) {
                report_.add("copy-ignored-file",
                            fmt::format("{} is empty: .dockerignore leaves everything in it out", quoted(source)),
                            place(i), "name what is to stay in .dockerignore: !NAME");
            }
        }
    }

    // Names unlike each other: what leaves all of them out leaves everything out.
    static bool excludes_all_in(const dockerfile::IgnoreRules& ignore, const std::string& directory) {
        constexpr std::array<std::string_view, 4> names = {"a", "Z_9", ".b-c", "0.d e"};
        return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
            return ignore.excluded(directory + (directory.empty() ? "" : "/") + std::string(name));
        });
    }

    void secrets() {
        for (size_t i = 0; i < copy_.args.size(); i++) {
            const std::string& path = copy_.args[i];
            if (!golem::is_secret_name(std::string_view(path).substr(path.rfind('/') + 1))) continue;
            report_.add("secret-in-image",
                        fmt::format("{} is a secret, and every provider gets the image", quoted(path)), place(i),
                        "show it to the step that needs it: RUN --mount=type=secret");
            return;
        }
    }

    void relative_destination() {
        const std::string& destination = copy_.args.back();
        if (destination.starts_with('/') || has_variable(destination)) return;
        report_.add("copy-relative-destination",
                    fmt::format("{} is relative to a directory that the base image chooses", quoted(destination)),
                    place(copy_.args.size() - 1), "write a WORKDIR above, or an absolute path");
    }

    const Outline& outline_;
    const Instruction& copy_;
    Report& report_;
};

}  // namespace

void check_copies(const Outline& outline, Report& report) {
    for (size_t i = 0; i < outline.stages.size(); i++) {
        // Nothing about scratch is unknown: paths there are relative to its root.
        bool has_workdir = outline.from_scratch(static_cast<int>(i));
        const std::vector<const Instruction*> steps = outline.steps_of_chain(static_cast<int>(i));
        for (size_t at = 0; at < steps.size(); at++) {
            const Instruction& step = *steps[at];
            has_workdir = has_workdir || step.name == "WORKDIR";
            const bool own = at + outline.stages[i].steps.size() >= steps.size();
            if (own && (step.name == "COPY" || step.name == "ADD")) CopyRules(outline, step, report).run(has_workdir);
        }
    }
}

}  // namespace gbuild::check
