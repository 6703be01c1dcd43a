#include "stage_disk.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/bases/extracted_check.h"

namespace gbuild::build {

namespace {

std::filesystem::path make_directory(const std::filesystem::path& parent) {
    std::string pattern = parent / "steps-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw_errno(fmt::format("cannot create a directory in {}", parent.native()));
    return pattern;
}

}  // namespace

StageDisk::StageDisk(const Environment& env, const RunOptions& run, sandbox::Sandbox& sandbox, BasePulls& pulls) :
    env_(env), sandbox_(sandbox), pulls_(pulls), place_(make_directory(env.store.staging())) {
    if (run.memory || run.pids) limit(run);
}

// As far as the machine allows: a step without limits is better than none.
void StageDisk::limit(const RunOptions& run) {
    try {
        limits_ = std::make_unique<sandbox::Cgroup>(sandbox::Limits{run.memory, run.pids});
    } catch (const Error& error) {
        const char* which = run.memory && run.pids ? "--memory and --pids have"
                            : run.memory           ? "--memory has"
                                                   : "--pids has";
        env_.events.emit(Warning{"limits-unavailable",
                                 fmt::format("{} no effect here: {}", which, error.message()),
                                 {},
                                 "gbuild doctor tells how to get control groups; systemd-run --user --scope -p "
                                 "Delegate=yes gbuild … often does"});
    }
}

std::filesystem::path StageDisk::new_place() const { return make_directory(place_); }

const ExtractedTree& StageDisk::extracted(const BaseImage* image, const std::function<tree::Tree()>& tree,
                                          pack::ContentReader& contents) {
    {
        auto bases = bases_.lock();
        if (auto found = bases->find(image); found != bases->end()) return found->second;
    }
    ExtractedTree whole{{}, tree()};
    if (sandbox_.has_overlay()) {
        if (image) {
            whole.layers = {directory_of(*image, whole.tree, contents).native()};
        } else {
            const std::filesystem::path empty = place_ / "scratch";
            if (::mkdir(empty.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot create " + empty.native());
            if (::chmod(empty.c_str(), 0755) != 0) throw_errno("cannot chmod " + empty.native());
            whole.layers = {empty.native()};
        }
    }
    auto bases = bases_.lock();
    return bases->emplace(image, std::move(whole)).first->second;
}

const std::filesystem::path& StageDisk::directory_of(const BaseImage& image, const tree::Tree& tree,
                                                     pack::ContentReader& contents) {
    const std::filesystem::path& directory = pulls_.directory_of(image);
    const auto difference = sampled_difference_from(tree, contents, directory);
    if (!difference) return directory;
    env_.events.emit(Notice{
        fmt::format("the extracted files of {} are damaged ({}); extracting them anew", image.name, *difference)});
    return pulls_.renew_directory_of(image);
}

sandbox::StepResult StageDisk::run(sandbox::Step& step, const std::function<void(std::string_view)>& output) {
    if (limits_) step.cgroup = limits_->directory();
    return sandbox_.run(step, output, env_.stop);
}

}  // namespace gbuild::build
