// A build's surroundings, and its image read back.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/engine/build.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::build::testing {

namespace fs = std::filesystem;

// A whole build without commands: the tests have threads.
inline BuildResult run_build(const BuildOptions& options, EventSink& events) {
    return Build(options, events).without_commands().run(events, {});
}
inline PlannedBuild plan_build(const BuildOptions& options, EventSink& events) {
    return Build(options, events).outlook(events, {});
}

// Keeps what a build said.
class Recorder : public EventSink {
  public:
    void emit(const Event& event) override {
        std::lock_guard lock(mutex_);
        events_.push_back(event);
    }
    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (const auto& event : events_) {
            if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
        }
        return found;
    }
    bool warned(const std::string& id) const {
        auto warnings = all<Warning>();
        return std::any_of(warnings.begin(), warnings.end(), [&](const Warning& w) { return w.id == id; });
    }

  private:
    std::mutex mutex_;
    std::vector<Event> events_;
};

class Workshop {
  public:
    Workshop() { fs::create_directory(context()); }

    fs::path context() const { return dir_.path() / "context"; }
    fs::path image() const { return dir_.path() / "out.gvmi"; }
    void file(const std::string& name, std::string_view text) const {
        fs::create_directories((context() / name).parent_path());
        std::ofstream(context() / name) << text;
        fs::permissions(context() / name, fs::perms(0644));
    }
    BuildOptions options(std::string_view dockerfile) const {
        file("Dockerfile", dockerfile);
        BuildOptions options;
        options.context = context();
        options.store_root = dir_.path() / "store";
        options.output = image();
        options.jobs = 2;
        return options;
    }
    BuildResult build(std::string_view dockerfile) { return run_build(options(dockerfile), events); }

    // The contents of a file in the image; "<absent>" when it is not there.
    std::string content(const std::string& path) const {
        pack::ImageReader reader(image().native());
        tree::Tree tree = reader.read_tree();
        const tree::Node* node = tree.find(path, tree::FollowLast::no);
        if (!node) return "<absent>";
        std::string text;
        reader.read_file(*node->inode, [&](const ContentRun& run) {
            pass_bytes(run, [&](std::span<const std::byte> bytes) { text += as_text(bytes); });
        });
        return text;
    }
    std::optional<tree::Inode> inode(const std::string& path) const {
        pack::ImageReader reader(image().native());
        tree::Tree tree = reader.read_tree();
        const tree::Node* node = tree.find(path, tree::FollowLast::no);
        if (!node) return std::nullopt;
        return *node->inode;
    }
    golem::TrailerConfig trailer() const {
        return golem::parse_trailer_json(pack::ImageReader(image().native()).trailer_json());
    }

    Recorder events;

  private:
    TempDir dir_;
};

inline std::string bytes_of(const fs::path& file) { return read_text_file(file, 100 << 20); }

}  // namespace gbuild::build::testing
