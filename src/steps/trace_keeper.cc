#include "gbuild/steps/trace_keeper.h"

#include "gbuild/base/error.h"

namespace gbuild::build {

namespace {

std::string absolute_text(const std::filesystem::path& path) {
    return std::filesystem::absolute(path).lexically_normal().native();
}

// A build is the same one when it reads the same files for the same target.
std::string trace_key(const SourceOptions& options) {
    std::string key = absolute_text(options.context);
    key += '\0';
    if (options.dockerfile_text)
        key += "-";
    else if (options.dockerfile)
        key += absolute_text(*options.dockerfile);
    key += '\0' + options.target + '\0' + options.platform.text();
    return key;
}

}  // namespace

TraceKeeper::TraceKeeper(const store::Store& store, const SourceOptions& options, const plan::Plan& plan) :
    store_(store), plan_(plan), key_(trace_key(options)) {
    if (auto bytes = store_.read_note(store::NoteKind::build, key_)) last_ = BuildTrace::decode(*bytes);
}

void TraceKeeper::keep(BuildTrace trace) {
    trace.complete_from(last_, plan_);
    try {
        store_.put_note(store::NoteKind::build, key_, trace.encode());
    } catch (const Error&) {
    }
}

}  // namespace gbuild::build
