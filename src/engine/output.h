// The end of a build: the target's tree and configuration become a .gvmi under its name.
#pragma once

#include "gbuild/base/atomic_file.h"
#include "gbuild/engine/build.h"
#include "gbuild/pack/image_writer.h"
#include "gbuild/store/store.h"
#include "stages.h"

namespace gbuild::build {

// Where the image goes: options.output, else NAME-TAG.gvmi in the current directory ("/" of a name becomes "-").
std::filesystem::path output_path(const OutputOptions& options);

struct OutputJob {
    const BuildOptions& options;
    const plan::Plan& plan;
    const pack::PackSet& packs;
    int64_t epoch = 0;
    unsigned jobs = 1;
    const store::Store& store;
    EventSink& events;
    std::stop_token stop;
    const CacheImport& imported;
};

// Adds what the VM needs to the tree, warns of what the provider will do with it, writes and commits `file`. When the
// same image is already there, the tree is not asked for and nothing is written.
BuildResult write_output(const StagesResult& made, AtomicFile& file, const OutputJob& job);

}  // namespace gbuild::build
