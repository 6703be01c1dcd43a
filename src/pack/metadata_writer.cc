#include "metadata_writer.h"

#include <sqfs/dir_writer.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/meta_writer.h>
#include <sqfs/xattr_writer.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "inode_builder.h"

namespace gbuild::pack {
namespace {

using tree::Inode;
using tree::Node;

// Owners of the image. libsquashfs looks ids up one by one, so its answers are kept.
class IdTable {
  public:
    uint16_t index_of(uint32_t id) {
        const auto [at, fresh] = known_.try_emplace(id);
        if (fresh) {
            sqfs_u16 index = 0;
            check_sqfs(sqfs_id_table_id_to_index(table_.get(), id, &index), "add an owner");
            at->second = index;
        }
        return at->second;
    }
    sqfs_id_table_t* get() { return table_.get(); }

  private:
    SqfsObject<sqfs_id_table_t> table_ = own_sqfs(sqfs_id_table_create(0), "make the id table");
    std::unordered_map<uint32_t, uint16_t> known_;
};

class XattrTable {
  public:
    uint32_t index_of(std::vector<tree::Xattr> xattrs) {
        std::erase_if(xattrs, [](const tree::Xattr& xattr) { return !storable(xattr); });
        if (xattrs.empty()) return no_xattrs;
        const auto [at, fresh] = known_.try_emplace(std::move(xattrs), no_xattrs);
        if (fresh) at->second = add(at->first);
        return at->second;
    }
    sqfs_xattr_writer_t* get() { return writer_.get(); }

  private:
    uint32_t add(const std::vector<tree::Xattr>& xattrs) {
        sqfs_u32 index = no_xattrs;
        check_sqfs(sqfs_xattr_writer_begin(writer_.get(), 0), "begin extended attributes");
        for (const tree::Xattr& xattr : xattrs) {
            check_sqfs(sqfs_xattr_writer_add(writer_.get(), xattr.name.c_str(), xattr.value.data(), xattr.value.size()),
                       "add an extended attribute");
        }
        check_sqfs(sqfs_xattr_writer_end(writer_.get(), &index), "end extended attributes");
        return index;
    }
    SqfsObject<sqfs_xattr_writer_t> writer_ = own_sqfs(sqfs_xattr_writer_create(0), "make the attribute table");
    std::map<std::vector<tree::Xattr>, uint32_t> known_;
};

class TableWriter {
  public:
    explicit TableWriter(const TableInput& input) :
        input_(input),
        options_(input.packs.options()),
        compressor_(options_),
        file_(image_data_start(options_), input.data_end),
        inodes_(own_sqfs(sqfs_meta_writer_create(&file_, &compressor_, 0), "make the inode table")),
        listings_(own_sqfs(sqfs_meta_writer_create(&file_, &compressor_, SQFS_META_WRITER_KEEP_IN_MEMORY),
                           "make the directory table")),
        directories_(own_sqfs(sqfs_dir_writer_create(listings_.get(), SQFS_DIR_WRITER_CREATE_EXPORT_TABLE),
                              "make the directory table")) {}

    ImageTables write() {
        check_sqfs(sqfs_super_init(&super_, options_.block_size, squashfs_time(input_.superblock_time),
                                   static_cast<SQFS_COMPRESSOR>(squashfs_id(options_.codec))),
                   "make a superblock");
        write_inodes_and_listings();
        write_fragment_table();
        const InodeFacts& root = facts(input_.tree.root());
        check_sqfs(sqfs_dir_writer_write_export_table(directories_.get(), &file_, &compressor_, root.number,
                                                      root.reference, &super_),
                   "write the export table");
        check_sqfs(sqfs_id_table_write(ids_.get(), &file_, &super_, &compressor_), "write the id table");
        check_sqfs(sqfs_xattr_writer_flush(xattrs_.get(), &file_, &super_, &compressor_), "write the attribute table");
        write_head();
        return {std::move(file_.head()), std::move(file_.tables()), super_.bytes_used};
    }

  private:
    InodeFacts& facts(const Node& node) { return input_.census.facts(*node.inode); }

    void write_inodes_and_listings() {
        const Node& root = input_.tree.root();
        super_.inode_table_start = file_.end();
        // The root's parent is a number that no inode has, as mksquashfs writes it.
        const SqfsInode inode = write_listing(root, input_.census.inode_count() + 1);
        put(*inode, facts(root));
        check_sqfs(sqfs_meta_writer_flush(inodes_.get()), "write the inode table");
        check_sqfs(sqfs_meta_writer_flush(listings_.get()), "write the directory table");
        super_.directory_table_start = file_.end();
        check_sqfs(sqfs_meta_write_write_to_file(listings_.get()), "write the directory table");
        super_.root_inode_ref = facts(root).reference;
        super_.inode_count = input_.census.inode_count();
    }

    // Writes everything below the directory and its listing. Its own inode, which is returned, is for the caller to
    // write, so that the inodes of one directory lie side by side.
    SqfsInode write_listing(const Node& directory, uint32_t parent) {
        std::vector<SqfsInode> subdirectories;
        const uint32_t number = facts(directory).number;
        for (const auto& [name, child] : directory.children) {
            if (child->is_directory()) subdirectories.push_back(write_listing(*child, number));
        }
        auto subdirectory = subdirectories.begin();
        for (const auto& [name, child] : directory.children) {
            InodeFacts& of_child = facts(*child);
            if (child->is_directory())
                put(**subdirectory++, of_child);
            else if (!of_child.written)
                put_leaf(*child->inode, of_child);
        }
        check_sqfs(sqfs_dir_writer_begin(directories_.get(), 0), "begin a directory");
        for (const auto& [name, child] : directory.children) {
            const InodeFacts& of_child = facts(*child);
            check_sqfs(sqfs_dir_writer_add_entry(directories_.get(), name.c_str(), of_child.number, of_child.reference,
                                                 static_cast<sqfs_u16>(tree::format_bits(child->inode->type))),
                       "add a directory entry");
        }
        check_sqfs(sqfs_dir_writer_end(directories_.get()), "end a directory");
        SqfsInode inode(sqfs_dir_writer_create_inode(directories_.get(), 2 + subdirectories.size(),
                                                     xattrs_.index_of(directory.inode->xattrs), parent));
        if (!inode) check_sqfs(SQFS_ERROR_ALLOC, "make a directory inode");
        set_common(*inode, *directory.inode, number);
        return inode;
    }

    void put_leaf(const Inode& leaf, InodeFacts& of_leaf) {
        const SqfsInode inode =
            build_leaf(leaf, of_leaf.links, xattrs_.index_of(leaf.xattrs), input_.packs, input_.layout);
        set_common(*inode, leaf, of_leaf.number);
        put(*inode, of_leaf);
    }

    void set_common(sqfs_inode_generic_t& inode, const Inode& from, uint32_t number) {
        inode.base.mode = static_cast<sqfs_u16>(tree::format_bits(from.type) | from.mode);
        inode.base.uid_idx = ids_.index_of(from.uid);
        inode.base.gid_idx = ids_.index_of(from.gid);
        inode.base.mod_time = squashfs_time(from.mtime);
        inode.base.inode_number = number;
    }

    void put(const sqfs_inode_generic_t& inode, InodeFacts& of_inode) {
        sqfs_u64 block = 0;
        sqfs_u32 offset = 0;
        sqfs_meta_writer_get_position(inodes_.get(), &block, &offset);
        of_inode.reference = block << 16 | offset;
        of_inode.written = true;
        if (inode.base.type == SQFS_INODE_FILE)
            write_file(inode, &inode.data.file, sizeof inode.data.file);
        else if (inode.base.type == SQFS_INODE_EXT_FILE)
            write_file(inode, &inode.data.file_ext, sizeof inode.data.file_ext);
        else
            check_sqfs(sqfs_meta_writer_write_inode(inodes_.get(), &inode), "write an inode");
    }

    // libsquashfs would copy the block sizes to the stack, which those of a very large file overflow. Its structures
    // are laid out as the format has them, on a little-endian machine, but for the type that it keeps in the mode.
    void write_file(const sqfs_inode_generic_t& inode, const void* numbers, size_t size) {
        sqfs_inode_t base = inode.base;
        base.mode &= 07777;
        append(&base, sizeof base);
        append(numbers, size);
        append_sizes({inode.extra, inode.payload_bytes_used / sizeof *inode.extra});
    }

    void append_sizes(std::span<const uint32_t> entries) {
        while (!entries.empty()) {
            const auto hole = std::find_if(entries.begin(), entries.end(), is_hole);
            const auto blocks = entries.first(static_cast<size_t>(hole - entries.begin()));
            append(blocks.data(), blocks.size_bytes());
            entries = entries.subspan(blocks.size());
            if (entries.empty()) return;
            pass_bytes(ContentRun::hole(blocks_of(entries.front()) * sizeof(uint32_t)),
                       [&](std::span<const std::byte> zeros) { append(zeros.data(), zeros.size()); });
            entries = entries.subspan(1);
        }
    }

    void append(const void* bytes, size_t length) {
        check_sqfs(sqfs_meta_writer_append(inodes_.get(), bytes, length), "write an inode");
    }

    void write_fragment_table() {
        const auto table = own_sqfs(sqfs_frag_table_create(0), "make the fragment table");
        const auto append = [&](std::span<const Fragment> fragments) {
            for (const Fragment& fragment : fragments) {
                check_sqfs(sqfs_frag_table_append(table.get(), fragment.position, fragment.size, nullptr),
                           "add a fragment");
            }
        };
        append(input_.layout.copied_fragments());
        append(input_.new_fragments);
        check_sqfs(sqfs_frag_table_write(table.get(), &file_, &super_, &compressor_), "write the fragment table");
    }

    void write_head() {
        // The name is misleading: set, the flag says that duplicates were removed.
        super_.flags |= SQFS_FLAG_NO_DUPLICATES;
        const std::vector<std::byte> options = stored_options(options_);
        if (!options.empty()) {
            constexpr uint16_t uncompressed = 0x8000;
            const auto header = static_cast<uint16_t>(options.size() | uncompressed);
            std::byte* const at = file_.head().data() + sizeof super_;
            std::memcpy(at, &header, sizeof header);
            std::memcpy(at + sizeof header, options.data(), options.size());
            super_.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
        }
        super_.bytes_used = file_.end();
        check_sqfs(sqfs_super_write(&super_, &file_), "write the superblock");
    }

    const TableInput& input_;
    const PackOptions& options_;
    MetadataCompressor compressor_;
    TableFile file_;
    SqfsObject<sqfs_meta_writer_t> inodes_, listings_;
    SqfsObject<sqfs_dir_writer_t> directories_;
    IdTable ids_;
    XattrTable xattrs_;
    sqfs_super_t super_{};
};

}  // namespace

ImageTables write_tables(const TableInput& input) { return TableWriter(input).write(); }

uint64_t image_data_start(const PackOptions& options) {
    const size_t stored = stored_options(options).size();
    return sizeof(sqfs_super_t) + (stored > 0 ? sizeof(uint16_t) + stored : 0);
}

}  // namespace gbuild::pack
