// What COPY and ADD read besides a directory of the user's: file trees, and files from elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gbuild/copy/copy_source.h"
#include "gbuild/plan/remote_source.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// The file tree of a stage, image or named context, whose contents are packed already.
struct TreeSource {
    const tree::Tree* tree = nullptr;
    std::string name;  // for messages: "stage \"build\"", "image \"debian:latest\""
};

// What ADD takes from a source that is elsewhere.
struct RemoteFiles {
    std::shared_ptr<const ContextDir> directory;
    std::string path;                 // of the one file in it; "": everything in the directory is copied
    std::string name;                 // the file's own, "" when its URL has none
    std::optional<int64_t> modified;  // mtime of the file, or of all files; without it the epoch
};

// Fetches a source of ADD that is a URL or a repository; the same files at every call.
using FetchRemote = std::function<RemoteFiles(const plan::RemoteSource&)>;

}  // namespace gbuild::build
