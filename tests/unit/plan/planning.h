// Shorthands for tests of plans.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/dockerfile/parser.h"
#include "gbuild/plan/plan.h"

namespace gbuild::plan {

using Strings = std::vector<std::string>;

// Plans `text`; `configs` are the configurations of bases by reference or context name, empty ones for the others.
struct Planning {
    PlanRequest request;
    std::map<std::string, oci::ImageConfig> configs;
    Strings asked;  // the bases whose configuration was asked for

    Planning() { request.build_platform = oci::Platform{"linux", "arm64", ""}; }

    Plan plan(std::string_view text) {
        auto config_of = [this](const Base& base) {
            const auto* image = std::get_if<ImageBase>(&base);
            std::string name = image ? image->reference : std::get<NamedContextBase>(base).name;
            asked.push_back(name);
            return configs[name];
        };
        auto file = dockerfile::parse(text, "Dockerfile");
        while (add_triggers(file, request, config_of)) {
        }
        asked.clear();
        return make_plan(file, request, config_of);
    }
};

inline Plan plan_of(std::string_view text) { return Planning().plan(text); }

// The configuration that lines after "FROM scratch" make.
inline oci::ContainerConfig config_of(const std::string& lines) {
    return plan_of("FROM scratch\n" + lines).stages.back().config();
}

// The last step after "FROM scratch".
inline Step last_step(const std::string& lines) { return plan_of("FROM scratch\n" + lines).stages.back().steps.back(); }
inline CopyStep last_copy(const std::string& lines) { return std::get<CopyStep>(last_step(lines).action); }

struct Failure {
    ErrorKind kind = ErrorKind::internal;
    std::string message, hint, marked;
    int line = -1;
};

template <class Body>
Failure failure_in(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        Failure result{error.kind(), error.message(), error.hint(), "", -1};
        if (error.span()) {
            const SourceSpan& span = *error.span();
            result.line = span.line;
            if (span.column > 0) {
                result.marked =
                    span.source.substr(static_cast<size_t>(span.column) - 1, static_cast<size_t>(span.length));
            }
        }
        return result;
    }
    return {ErrorKind::internal, "no error", "", "", -1};
}

inline Failure failure(std::string_view text, const PlanRequest& request = {}) {
    return failure_in([&] {
        Planning planning;
        planning.request = request;
        planning.plan(text);
    });
}
inline Failure failure_of(const std::string& lines) { return failure("FROM scratch\n" + lines); }

inline Strings ids(const std::vector<Warning>& warnings) {
    Strings result;
    for (const Warning& warning : warnings) result.push_back(warning.id);
    return result;
}

}  // namespace gbuild::plan
