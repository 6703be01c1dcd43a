// .dockerignore: the first line is a path, the others are the rules.
#include "fuzzing.h"
#include "gbuild/dockerfile/ignore.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const size_t line = text.find('\n');
    if (line == std::string_view::npos) return 0;
    return fuzz::with_input([&] {
        const auto rules = dockerfile::IgnoreRules::parse(text.substr(line + 1), ".dockerignore");
        if (rules.excluded(text.substr(0, line)) && rules.may_reinclude()) dockerfile::read_ignore_file(text);
    });
}
