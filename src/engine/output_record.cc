#include "output_record.h"

#include <sys/stat.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::build {

namespace {

constexpr std::string_view record_format = "gbuild output 2";

// What the kernel changes whenever a file is written, replaced or given other attributes.
std::optional<std::string> identity_of(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    BinaryWriter out;
    for (uint64_t number : {static_cast<uint64_t>(status.st_dev), static_cast<uint64_t>(status.st_ino),
                            static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_mtim.tv_sec),
                            static_cast<uint64_t>(status.st_mtim.tv_nsec), static_cast<uint64_t>(status.st_ctim.tv_sec),
                            static_cast<uint64_t>(status.st_ctim.tv_nsec)}) {
        out.number(number);
    }
    return std::string(as_text(out.bytes()));
}

// File times move in ticks of some milliseconds: what is changed within the one in which the file was written would go
// unnoticed. False where the file system has another clock.
bool outlive_tick(const std::filesystem::path& path) {
    constexpr auto longest = std::chrono::milliseconds(50);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return false;
    const auto start = std::chrono::steady_clock::now();
    do {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
        const timespec& then = status.st_ctim;
        if (now.tv_sec > then.tv_sec || (now.tv_sec == then.tv_sec && now.tv_nsec > then.tv_nsec)) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (std::chrono::steady_clock::now() - start < longest);
    return false;
}

void write_warning(BinaryWriter& out, const Warning& warning) {
    out.text(warning.id);
    out.text(warning.message);
    out.text(warning.hint);
    out.number<uint8_t>(warning.span.has_value());
    if (!warning.span) return;
    out.text(warning.span->file);
    out.number(warning.span->line);
    out.number(warning.span->column);
    out.number(warning.span->length);
    out.text(warning.span->source);
}

Warning read_warning(BinaryReader& in) {
    Warning warning;
    warning.id = in.text();
    warning.message = in.text();
    warning.hint = in.text();
    if (in.number<uint8_t>() == 0) return warning;
    SourceSpan span;
    span.file = in.text();
    span.line = in.number<int>();
    span.column = in.number<int>();
    span.length = in.number<int>();
    span.source = in.text();
    warning.span = std::move(span);
    return warning;
}

}  // namespace

std::optional<OutputRecord> read_output_record(const store::Store& store, const std::filesystem::path& path) {
    auto bytes = store.read_note(store::NoteKind::output, path.native());
    auto identity = identity_of(path);
    if (!bytes || !identity) return std::nullopt;
    try {
        BinaryReader in(as_bytes(*bytes), "an output's record");
        if (in.text() != record_format || in.text() != *identity) return std::nullopt;
        OutputRecord record;
        record.image_key = in.text();
        record.result.file = path;
        record.result.size = in.number<uint64_t>();
        record.result.sha3 = in.text();
        record.result.image_id = in.text();
        record.result.config.user = in.text();
        for (uint64_t left = in.varint(in.left()); left > 0; left--)
            record.result.config.volumes.insert(std::string(in.text()));
        record.result.inodes = in.number<uint32_t>();
        for (uint64_t left = in.varint(in.left()); left > 0; left--) record.warnings.push_back(read_warning(in));
        return record;
    } catch (const Error&) {
        return std::nullopt;
    }
}

void put_output_record(const store::Store& store, const std::filesystem::path& path, const OutputRecord& record) {
    auto identity = identity_of(path);
    if (!identity || !outlive_tick(path)) return;
    BinaryWriter out;
    out.text(record_format);
    out.text(*identity);
    out.text(record.image_key);
    out.number(record.result.size);
    out.text(record.result.sha3);
    out.text(record.result.image_id);
    out.text(record.result.config.user);
    out.varint(record.result.config.volumes.size());
    for (const std::string& volume : record.result.config.volumes) out.text(volume);
    out.number(record.result.inodes);
    out.varint(record.warnings.size());
    for (const Warning& warning : record.warnings) write_warning(out, warning);
    store.put_note(store::NoteKind::output, path.native(), as_text(out.bytes()));
}

}  // namespace gbuild::build
