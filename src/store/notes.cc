// Notes: the sha256 of what follows, then that.
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/store/store.h"
#include "last_use.h"

namespace gbuild::store {

namespace {

constexpr size_t note_cap = size_t{256} << 20;
constexpr size_t sum_size = sizeof(Sha256Sum);

std::string_view note_folder(NoteKind kind) {
    switch (kind) {
    case NoteKind::step: return "steps";
    case NoteKind::build: return "builds";
    case NoteKind::output: return "outputs";
    }
    throw Error(ErrorKind::internal, "a note of no kind");
}

// The key counts, so that a note moved to another name is none.
Sha256Sum sum_of(const std::string& key, std::string_view bytes) {
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update(key);
    hasher.update(std::string_view("\0", 1));
    hasher.update(bytes);
    Sha256Sum sum;
    hasher.finish(sum);
    return sum;
}

}  // namespace

std::optional<std::string> Store::read_note(NoteKind kind, const std::string& key) const {
    const std::filesystem::path path = hashed_path(note_folder(kind), key);
    auto file = open_if_exists(path);
    if (!file) return std::nullopt;
    const uint64_t size = file_size(file->get());
    if (size >= sum_size && size <= note_cap) {
        std::string text = read_text(file->get(), note_cap, quoted(path.native()));
        const std::string_view bytes = std::string_view(text).substr(std::min(text.size(), sum_size));
        const Sha256Sum sum = sum_of(key, bytes);
        if (text.starts_with(as_text(sum))) {
            note_use(file->get());
            return std::string(bytes);
        }
    }
    remove_note(kind, key);
    return std::nullopt;
}

void Store::put_note(NoteKind kind, const std::string& key, std::string_view bytes) const {
    if (bytes.size() > note_cap - sum_size) return;
    writing([&] {
        AtomicFile file(hashed_path(note_folder(kind), key), staging(), 0600);
        write_all(file.fd(), sum_of(key, bytes));
        write_all(file.fd(), bytes);
        file.commit();
    });
}

void Store::remove_note(NoteKind kind, const std::string& key) const {
    writing([&] {
        std::error_code error;
        const std::filesystem::path path = hashed_path(note_folder(kind), key);
        std::filesystem::remove(path, error);
        if (error) throw system_error(error.value(), fmt::format("cannot remove {}", quoted(path.native())));
    });
}

}  // namespace gbuild::store
