// FROM: the base image, its platform, and the variables in both.
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"
#include "gbuild/oci/platform.h"
#include "gbuild/oci/reference.h"
#include "outline.h"

namespace gbuild::check {

namespace {

constexpr std::string_view provider_architecture = "amd64";

std::optional<oci::Reference> parse_reference(const std::string& text) {
    try {
        return oci::Reference::parse(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool is_platform(const std::string& text) {
    try {
        oci::Platform::parse(text);
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool is_image(const std::string& name) { return name == "scratch" || parse_reference(name).has_value(); }

bool is_base(const StageOutline& stage) { return stage.parent >= 0 || is_image(stage.base); }

class FromRules {
  public:
    FromRules(const Outline& outline, const StageOutline& stage, Report& report) :
        outline_(outline), stage_(stage), report_(report) {}

    void run() {
        const std::string& written = stage_.from->args[0];
        const ExpandedText base = outline_.globals.expand(written);
        undeclared(base, written);
        // Whatever --build-arg gives: others build without.
        const ExpandedText by_default = outline_.defaults.expand(written);
        const bool is_default_base = is_image(by_default.text) || outline_.is_stage_name(by_default.text);
        if (!is_default_base && all_declared(by_default)) invalid_default(written, by_default);
        if (is_base(stage_)) tag(written);
        if (const dockerfile::Flag* flag = stage_.from->flag("platform")) platform(*flag);
    }

  private:
    SourceSpan place(const std::string& part) const { return outline_.file.span_of(*stage_.from, part); }

    void undeclared(const ExpandedText& expanded, const std::string& written) {
        for (const std::string& name : expanded.unset) {
            if (outline_.globals.declared(name)) continue;
            report_.add(
                "undefined-arg-in-from", fmt::format("no ARG before the first FROM declares {}", name), place(written),
                dockerfile::suggest(name, outline_.globals.names(), "", fmt::format("add ARG {}=DEFAULT there", name)));
        }
    }

    bool all_declared(const ExpandedText& expanded) const {
        return !expanded.used.empty() && std::all_of(expanded.used.begin(), expanded.used.end(),
                                                     [&](const auto& name) { return outline_.globals.declared(name); });
    }

    void invalid_default(const std::string& written, const ExpandedText& expanded) {
        report_.add("invalid-default-arg-in-from",
                    fmt::format("without --build-arg, {} is {}, which is no image", printable(written),
                                expanded.text.empty() ? "empty" : quoted(expanded.text)),
                    place(written), fmt::format("give ARG {} a default", *expanded.used.begin()));
    }

    void tag(const std::string& written) {
        if (stage_.parent >= 0 || stage_.base == "scratch") return;
        const std::string& base = stage_.base;
        if (base.find('@') != std::string::npos) return;
        const size_t name = base.rfind('/') == std::string::npos ? 0 : base.rfind('/');
        const size_t colon = base.find(':', name);
        if (colon == std::string::npos) {
            report_.add("image-untagged",
                        fmt::format("{} without a tag is whatever latest is on the day", quoted(base)), place(written),
                        "name a tag, or a digest: NAME:TAG, NAME@sha256:…");
        } else if (base.substr(colon + 1) == "latest") {
            report_.add("image-latest", fmt::format("{} changes under you", quoted(base)), place(written),
                        "name a version's tag, or a digest");
        }
    }

    void platform(const dockerfile::Flag& flag) {
        if (flag.value == "$TARGETPLATFORM" || flag.value == "${TARGETPLATFORM}") {
            report_.add("redundant-target-platform", "--platform=$TARGETPLATFORM is the default", flag.span,
                        "remove it");
            return;
        }
        const ExpandedText expanded = outline_.globals.expand(flag.value);
        undeclared(expanded, flag.value);
        if (!is_platform(expanded.text)) return;
        const oci::Platform platform = oci::Platform::parse(expanded.text);
        const std::string& architecture = platform.architecture;
        const bool is_target = &stage_ == &outline_.stages[static_cast<size_t>(outline_.target)];
        if (is_target && architecture != provider_architecture) {
            report_.add("platform-not-amd64",
                        fmt::format("the image is for {}, and providers run linux/amd64", quoted(expanded.text)),
                        flag.span, "remove --platform, or write linux/amd64");
        }
        // A stage for one platform says so in its name.
        const auto named_after = [&](const std::string& part) { return stage_.name.find(part) != std::string::npos; };
        if (!expanded.used.empty() || named_after(architecture) || named_after(platform.os)) return;
        report_.add("from-platform-constant", fmt::format("--platform is fixed to {}", quoted(expanded.text)),
                    flag.span, "leave it out, or use $BUILDPLATFORM");
    }

    const Outline& outline_;
    const StageOutline& stage_;
    Report& report_;
};

// "# NAME what it is for" above ARG and FROM … AS NAME is what docker shows as their description.
void check_description(const Outline& outline, const Instruction& instruction, Report& report) {
    if (instruction.first_line < 2) return;
    const std::string_view above = trim(outline.file.lines[static_cast<size_t>(instruction.first_line) - 2]);
    if (above.substr(0, 1) != "#") return;
    const std::string_view comment = trim(above.substr(1));
    std::vector<std::string> names;
    if (instruction.name == "FROM" && instruction.args.size() == 3) names.push_back(instruction.args[2]);
    if (instruction.name == "ARG") {
        for (const std::string& arg : instruction.args) names.push_back(arg.substr(0, arg.find('=')));
    }
    const std::string first(comment.substr(0, comment.find_first_of(" \t")));
    const bool directive = comment.find('=') != std::string_view::npos && comment.find(' ') == std::string_view::npos;
    if (names.empty() || comment.empty() || directive) return;
    const bool named = std::any_of(names.begin(), names.end(),
                                   [&](const std::string& name) { return equal_ignoring_case(first, name); });
    if (named) return;
    report.add("invalid-description", fmt::format("the comment does not begin with {}", quoted(names.front())),
               instruction.span,
               fmt::format("write # {} DESCRIPTION, or put an empty line between the two", printable(names.front())));
}

}  // namespace

void check_from(const Outline& outline, Report& report) {
    for (const StageOutline& stage : outline.stages) FromRules(outline, stage, report).run();
    for (const Instruction& instruction : outline.file.instructions) check_description(outline, instruction, report);
}

std::map<std::string, std::string> placeholder_args(const Outline& outline) {
    std::map<std::string, std::string> args;
    auto add = [&](const ExpandedText& expanded, const char* value) {
        for (const std::string& name : expanded.used) args.emplace(name, value);
    };
    for (const StageOutline& stage : outline.stages) {
        const ExpandedText base = outline.globals.expand(stage.from->args[0]);
        if (!is_base(stage)) add(base, "unknown");
        const dockerfile::Flag* flag = stage.from->flag("platform");
        const ExpandedText platform = flag ? outline.globals.expand(flag->value) : ExpandedText{};
        if (flag && !is_platform(platform.text)) add(platform, "linux/amd64");
    }
    return args;
}

}  // namespace gbuild::check
