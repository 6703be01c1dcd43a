#include "filter_source.h"

#include <archive_entry.h>
#include <fmt/format.h>

#include <cerrno>

#include "gbuild/base/error.h"

namespace gbuild::layer {

FilterSource::FilterSource(std::unique_ptr<ByteSource> inner, std::string what) :
    inner_(std::move(inner)), what_(std::move(what)), handle_(archive_read_new()) {
    if (!handle_) throw std::bad_alloc();
    archive_read_support_filter_bzip2(handle_.get());
    archive_read_support_filter_xz(handle_.get());
    archive_read_support_format_raw(handle_.get());
    archive_read_support_format_empty(handle_.get());
}

la_ssize_t FilterSource::read_inner(archive* handle, void* self, const void** run) {
    auto* source = static_cast<FilterSource*>(self);
    try {
        const std::span<const std::byte> bytes = source->inner_->next();
        *run = bytes.data();
        return static_cast<la_ssize_t>(bytes.size());
    } catch (...) {
        source->inner_error_ = std::current_exception();
        archive_set_error(handle, EIO, "the source failed");
        return -1;
    }
}

// Warnings are trouble too.
void FilterSource::check(int code) {
    if (inner_error_) std::rethrow_exception(inner_error_);
    if (code == ARCHIVE_OK || code == ARCHIVE_EOF) return;
    const char* text = archive_error_string(handle_.get());
    throw Error(ErrorKind::integrity,
                fmt::format("{} is damaged: {}", what_, text == nullptr ? "unknown error" : text));
}

void FilterSource::open() {
    opened_ = true;
    check(archive_read_open(handle_.get(), this, nullptr, read_inner, nullptr));
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(handle_.get(), &entry);
    check(code);
    done_ = code == ARCHIVE_EOF;
}

std::span<const std::byte> FilterSource::next() {
    if (!opened_) open();
    while (!done_) {
        const void* run = nullptr;
        size_t size = 0;
        la_int64_t offset = 0;
        const int code = archive_read_data_block(handle_.get(), &run, &size, &offset);
        check(code);
        done_ = code == ARCHIVE_EOF;
        if (size > 0 && !done_) return {static_cast<const std::byte*>(run), size};
    }
    return {};
}

}  // namespace gbuild::layer
