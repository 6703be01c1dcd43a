// Compressed bytes for tests.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace gbuild::layer {

inline std::string gzip(std::string text) {
    isal_zstream stream;
    isal_deflate_init(&stream);
    std::string out(text.size() + text.size() / 8 + 1024, '\0');
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.next_in = reinterpret_cast<uint8_t*>(text.data());
    stream.avail_in = static_cast<uint32_t>(text.size());
    stream.next_out = reinterpret_cast<uint8_t*>(out.data());
    stream.avail_out = static_cast<uint32_t>(out.size());
    if (isal_deflate(&stream) != COMP_OK || stream.avail_in != 0) throw std::runtime_error("deflate");
    out.resize(stream.total_out);
    return out;
}

inline std::string zstd(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

// `filter` is libarchive's name: "xz", "bzip2".
inline std::string filtered(const char* filter, const std::string& text) {
    archive* handle = archive_write_new();
    std::string out(text.size() * 2 + 65536, '\0');
    size_t used = 0;
    archive_write_set_format_raw(handle);
    archive_write_add_filter_by_name(handle, filter);
    archive_write_set_bytes_in_last_block(handle, 1);
    archive_write_open_memory(handle, out.data(), out.size(), &used);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(handle, entry);
    archive_write_data(handle, text.data(), text.size());
    archive_entry_free(entry);
    archive_write_close(handle);
    archive_write_free(handle);
    out.resize(used);
    return out;
}

// Text that compresses, but not to nothing.
inline std::string sample_text(size_t size) {
    std::string text;
    uint32_t state = 1;
    while (text.size() < size) {
        state = state * 1664525 + 1013904223;
        text += "word" + std::to_string(state >> 22) + ' ';
    }
    text.resize(size);
    return text;
}

}  // namespace gbuild::layer
