// A Dockerfile, to the steps of its last stage.
#include "fuzzing.h"
#include "gbuild/dockerfile/parser.h"
#include "gbuild/plan/plan.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        dockerfile::Dockerfile file = dockerfile::parse(fuzz::text_of(data, size), "Dockerfile");
        plan::PlanRequest request;
        request.platform = request.build_platform = oci::Platform{"linux", "amd64", ""};
        const auto config_of = [](const plan::Base&) { return oci::ImageConfig(); };
        plan::make_plan(file, request, config_of);
        dockerfile::to_json(file);
    });
}
