#include "gbuild/sources/context_source.h"

#include <fcntl.h>

#include <array>

#include <fmt/format.h>

#include "gbuild/base/byte_source.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/source_names.h"
#include "gbuild/layer/tar_stream.h"
#include "gbuild/layer/unpack.h"

namespace gbuild::build {

namespace fs = std::filesystem;

namespace {

constexpr size_t archive_head = 512;

// Bytes that were read already, and the rest of their file.
class PrefixedSource : public ByteSource {
  public:
    PrefixedSource(std::string head, UniqueFd rest) : head_(std::move(head)), rest_(std::move(rest)) {}
    std::span<const std::byte> next() override {
        if (std::exchange(is_begun_, true)) return rest_.next();
        return head_.empty() ? rest_.next() : as_bytes(head_);
    }

  private:
    std::string head_;
    bool is_begun_ = false;
    FileSource rest_;
};

std::string read_head(int fd) {
    std::array<std::byte, archive_head> buffer;
    const size_t length = read_full(fd, buffer);
    return std::string(as_text(std::span(buffer).first(length)));
}

// The URL or the build argument may ask for .git.
plan::GitSource as_context(plan::GitSource source, const SourceOptions& options) {
    const auto found = options.build_args.find("BUILDKIT_CONTEXT_KEEP_GIT_DIR");
    if (found != options.build_args.end() && (found->second == "1" || equal_ignoring_case(found->second, "true"))) {
        source.keep_git_dir = true;
    }
    return source;
}

[[noreturn]] void refuse_two_dockerfiles(const std::string& where) {
    throw Error(ErrorKind::usage, fmt::format("-f names a Dockerfile, but {} is one itself", where))
        .hint("leave one of the two out");
}

}  // namespace

// Everything that must stay while the context is in use.
struct FetchedContext {
    FetchedContext(const SourceOptions& options, const Credentials& credentials, const fs::path& store_root,
                   EventSink& events, const std::stop_token& stop) :
        store(store_root), sources(options, credentials, store, events, stop) {}

    store::Store store;
    RemoteSources sources;
};

namespace {

// What a stream holds decides: an archive is the context, anything else a Dockerfile without one.
void take_stream(SourceOptions& options, UniqueFd stream, const std::string& what, FetchedContext& fetched,
                 const std::stop_token& stop) {
    std::string head =
        with_context([&] { return fmt::format("reading {}", what); }, [&] { return read_head(stream.get()); });
    if (layer::is_archive(as_bytes(head))) {
        options.context = unpack_context(std::make_unique<PrefixedSource>(std::move(head), std::move(stream)), what,
                                         fetched.sources, stop);
        return;
    }
    if (options.dockerfile || options.dockerfile_text) refuse_two_dockerfiles(what);
    options.context = fetched.sources.new_directory();
    options.dockerfile_text = head + read_text(stream.get(), max_dockerfile_size - head.size(), what);
}

}  // namespace

fs::path unpack_context(std::unique_ptr<ByteSource> archive, const std::string& what, RemoteSources& sources,
                        const std::stop_token& stop) {
    layer::TarOptions options;
    options.whiteouts = layer::Whiteouts::keep_as_files;
    options.root = layer::RootEntry::skip;
    options.what = what;
    fs::path directory = sources.new_directory();
    with_context([&] { return fmt::format("unpacking {}", what); },
                 [&] {
                     const auto entries = layer::read_archive(std::move(archive), options);
                     std::vector<std::string> lost;
                     sources.store().writing([&] { lost = layer::unpack(*entries, RootedDir(directory), stop); });
                     if (!lost.empty()) sources.warn(capability_warning(lost));
                 });
    return directory;
}

DirectoryContext fetch_named_context(const std::string& name, const NamedContext& context, RemoteSources& sources,
                                     const std::stop_token& stop) {
    if (const auto* directory = std::get_if<DirectoryContext>(&context)) return *directory;
    const auto* remote = std::get_if<RemoteContext>(&context);
    if (remote) {
        if (const auto* git = std::get_if<plan::GitSource>(&remote->source)) {
            return {sources.checkout(*git), Origin::elsewhere};
        }
    }
    const std::string what = fmt::format("build context {}", quoted(name));
    UniqueFd file = remote ? sources.download(std::get<plan::WebSource>(remote->source), "")
                           : open_file(std::get<ArchiveContext>(context).path, O_RDONLY | O_NOCTTY);
    std::string head = read_head(file.get());
    if (!layer::is_archive(as_bytes(head))) {
        throw Error(ErrorKind::usage, fmt::format("{} is no archive", what))
            .hint("give a directory, a tar archive (plain, or compressed with gzip, bzip2, xz or zstd), or a git "
                  "repository");
    }
    return {unpack_context(std::make_unique<PrefixedSource>(std::move(head), std::move(file)), what, sources, stop),
            Origin::elsewhere};
}

std::shared_ptr<FetchedContext> fetch_context(SourceOptions& options, const Credentials& credentials,
                                              const fs::path& store_root, EventSink& events,
                                              const std::stop_token& stop) {
    const std::string source = options.context_source;
    auto fetched = std::make_shared<FetchedContext>(options, credentials, store_root, events, stop);
    options.origin = Origin::elsewhere;
    if (source == "-") {
        take_stream(options, duplicate(STDIN_FILENO), "standard input", *fetched, stop);
        return fetched;
    }
    const auto remote = plan::parse_remote_context(source);
    if (!remote) throw Error(ErrorKind::internal, "a local context is not fetched");
    if (const auto* git = std::get_if<plan::GitSource>(&*remote)) {
        options.context = fetched->sources.checkout(as_context(*git, options));
        return fetched;
    }
    const std::string what = plan::shown(*remote);
    options.dockerfile_name = what;
    take_stream(options, fetched->sources.download(std::get<plan::WebSource>(*remote), ""), what, *fetched, stop);
    return fetched;
}

}  // namespace gbuild::build
