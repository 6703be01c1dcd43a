#include "step_message.h"

#include "gbuild/base/binary.h"

namespace gbuild::sandbox {

namespace {

// Each of these writes or reads a value, so that encoding and decoding are one list of members.
class Writer {
  public:
    template <std::integral T>
    void operator()(T value) {
        out_.number(value);
    }
    void operator()(const std::string& text) { out_.text(text); }
    void operator()(const NodeRecord& record) {
        fields(record.key.inode, record.key.birth_seconds, record.key.birth_nanoseconds);
        fields(record.owner.uid, record.owner.gid);
    }
    void operator()(const PathRecord& record) { fields(record.path, record.owner.uid, record.owner.gid); }
    void operator()(const InjectedFile& file) { fields(file.path, file.contents); }
    void operator()(const ResourceLimit& limit) { fields(limit.name, limit.resource, limit.soft, limit.hard); }
    void operator()(const StepMount& mount) {
        fields(static_cast<uint8_t>(mount.kind), mount.target, static_cast<uint8_t>(mount.read_only), mount.layers,
               mount.upper, mount.work, mount.point, mount.path, mount.size, mount.contents, mount.mode, mount.uid,
               mount.gid);
    }
    template <class T>
    void operator()(const std::optional<T>& value) {
        (*this)(static_cast<uint8_t>(value.has_value()));
        if (value) (*this)(*value);
    }
    template <class T>
    void operator()(const std::vector<T>& values) {
        out_.varint(values.size());
        for (const T& value : values) (*this)(value);
    }
    template <class... Fields>
    void fields(const Fields&... values) {
        ((*this)(values), ...);
    }
    std::vector<std::byte> take() { return std::move(out_.bytes()); }

  private:
    BinaryWriter out_;
};

class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes, std::string what) : in_(bytes, std::move(what)) {}
    template <std::integral T>
    void operator()(T& value) {
        value = in_.number<T>();
    }
    void operator()(std::string& text) { text = in_.text(); }
    void operator()(NodeRecord& record) {
        fields(record.key.inode, record.key.birth_seconds, record.key.birth_nanoseconds);
        fields(record.owner.uid, record.owner.gid);
    }
    void operator()(PathRecord& record) { fields(record.path, record.owner.uid, record.owner.gid); }
    void operator()(InjectedFile& file) { fields(file.path, file.contents); }
    void operator()(ResourceLimit& limit) { fields(limit.name, limit.resource, limit.soft, limit.hard); }
    void operator()(StepMount& mount) {
        uint8_t kind = 0, read_only = 0;
        fields(kind, mount.target, read_only, mount.layers, mount.upper, mount.work, mount.point, mount.path,
               mount.size, mount.contents, mount.mode, mount.uid, mount.gid);
        mount.kind = static_cast<StepMount::Kind>(kind);
        mount.read_only = read_only != 0;
    }
    template <class T>
    void operator()(std::optional<T>& value) {
        uint8_t is_there = 0;
        (*this)(is_there);
        if (is_there != 0) (*this)(value.emplace());
    }
    template <class T>
    void operator()(std::vector<T>& values) {
        uint64_t count = in_.varint(in_.left());  // each takes a byte at least
        values.resize(count);
        for (T& value : values) (*this)(value);
    }
    template <class... Fields>
    void fields(Fields&... values) {
        ((*this)(values), ...);
    }

  private:
    BinaryReader in_;
};

}  // namespace

std::vector<std::byte> encode(const Step& step) {
    Writer write;
    write.fields(step.root.layers, step.root.upper, step.root.work, step.root.directory, step.root.memory);
    write.fields(step.command, step.environment, step.directory);
    write.fields(step.identity.uid, step.identity.gid, step.identity.groups);
    write.fields(step.hostname, static_cast<uint8_t>(step.network), static_cast<uint8_t>(step.all_capabilities));
    write.fields(step.files, step.scripts, step.owners, step.cgroup.value_or(""),
                 static_cast<uint8_t>(step.has_devices));
    write.fields(step.mounts, step.limits, step.shm_size);
    return write.take();
}

Step decode_step(std::span<const std::byte> bytes) {
    Reader read(bytes, "a step");
    Step step;
    uint8_t network = 0, all_capabilities = 0, has_devices = 0;
    std::string cgroup;
    read.fields(step.root.layers, step.root.upper, step.root.work, step.root.directory, step.root.memory);
    read.fields(step.command, step.environment, step.directory);
    read.fields(step.identity.uid, step.identity.gid, step.identity.groups);
    read.fields(step.hostname, network, all_capabilities);
    read.fields(step.files, step.scripts, step.owners, cgroup, has_devices);
    read.fields(step.mounts, step.limits, step.shm_size);
    step.network = static_cast<Network>(network);
    step.all_capabilities = all_capabilities != 0;
    step.has_devices = has_devices != 0;
    if (!cgroup.empty()) step.cgroup = cgroup;
    return step;
}

std::vector<std::byte> encode(const StepReport& report) {
    Writer write;
    const StepResult& result = report.result;
    write.fields(report.failed_stage, report.error_number, static_cast<uint8_t>(result.end), result.code,
                 result.problem, result.owners.nodes, result.owners.paths);
    return write.take();
}

StepReport decode_report(std::span<const std::byte> bytes) {
    Reader read(bytes, "the report of a step");
    StepReport report;
    uint8_t end = 0;
    read.fields(report.failed_stage, report.error_number, end, report.result.code, report.result.problem,
                report.result.owners.nodes, report.result.owners.paths);
    report.result.end = static_cast<StepResult::End>(end);
    return report;
}

}  // namespace gbuild::sandbox
