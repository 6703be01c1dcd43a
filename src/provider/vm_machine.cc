#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/child.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/provider/vm.h"
#include "initramfs.h"
#include "last_words.h"
#include "qemu.h"

namespace gbuild::provider {

namespace {

// QEMU's addresses for a network card behind it.
constexpr const char* own_address = "10.0.2.15";
constexpr const char* gateway_address = "10.0.2.2";
constexpr const char* nameserver_address = "10.0.2.3";

std::vector<std::string> module_names(bool outbound) {
    std::vector<std::string> names = {"virtio_pci", "virtio_blk", "virtio_console", "virtio_rng",
                                      "squashfs",   "overlay",    "9pnet_virtio",   "9p"};
    if (outbound) names.emplace_back("virtio_net");
    return names;
}

UniqueFd file_in_memory(std::string_view contents) {
    UniqueFd fd(::memfd_create("initramfs", MFD_CLOEXEC));
    if (!fd) throw_errno("cannot create a file in memory");
    write_all(fd.get(), contents);
    return fd;
}

// In QEMU's options a comma stands between values.
std::string escaped(const std::string& value) {
    std::string result;
    for (const char c : value) result += c == ',' ? std::string(",,") : std::string(1, c);
    return result;
}

class CommandLine {
  public:
    CommandLine(const MachineSettings& settings, const VmParts& parts) : settings_(settings), parts_(parts) {}

    std::vector<std::string> words(const std::string& initramfs, int channel) {
        words_ = {qemu_program, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"};
        add({"-machine", parts_.hardware ? "pc,accel=kvm" : "pc,accel=tcg"});
        add({"-cpu", parts_.hardware ? "host" : "max", "-smp", std::to_string(settings_.cpus)});
        add({"-m", fmt::format("{}M", settings_.memory >> 20)});
        add({"-kernel", parts_.kernel, "-initrd", initramfs, "-append", kernel_words()});
        add({"-device", "virtio-rng-pci", "-device", "virtio-serial"});
        add({"-chardev", fmt::format("socket,fd={},id=manager_cdev", channel)});
        add({"-device", "virtserialport,chardev=manager_cdev,name=manager_port"});
        add_image();
        add_volumes();
        if (settings_.outbound) add({"-netdev", "user,id=inet", "-device", "virtio-net-pci,netdev=inet,romfile="});
        return std::move(words_);
    }

  private:
    void add(std::initializer_list<std::string> more) { words_.insert(words_.end(), more); }

    bool is_legacy() const { return parts_.initramfs && settings_.runtime == Runtime::v0_4; }

    std::string kernel_words() const {
        std::string words = "console=ttyS0 quiet panic=-1";
        // An emulated timer is late when this machine is busy, which the kernel would take for one that does not work.
        if (!parts_.hardware) words += " no_timer_check";
        if (!is_legacy()) words += " hostname=" + settings_.hostname;
        if (parts_.initramfs) return words;
        words += fmt::format(" gbuild.root={}", root_size(settings_));
        if (settings_.outbound) {
            words += fmt::format(" gbuild.address={} gbuild.gateway={} gbuild.nameserver={}", own_address,
                                 gateway_address, nameserver_address);
        }
        return words;
    }

    void add_image() {
        const std::string file = fmt::format("file={},cache=unsafe,readonly=on,format=raw,", escaped(settings_.image));
        if (!is_legacy()) {
            add({"-drive", file + "id=rootfs-0,if=none", "-device", "virtio-blk-pci,drive=rootfs-0,serial=rootfs-0"});
            return;
        }
        add({"-drive", file + "if=virtio"});
        for (const char* name : {"vpn", "inet"}) {
            add({"-chardev", fmt::format("null,id={}_cdev", name)});
            add({"-device", fmt::format("virtserialport,chardev={0}_cdev,name={0}_port", name)});
        }
    }

    void add_volumes() {
        int number = 0;
        for (const auto& [path, directory] : settings_.volumes) {
            add({"-virtfs", fmt::format("local,id=mnt{0},path={1},security_model=none,mount_tag=mnt{0}", number++,
                                        escaped(directory))});
        }
    }

    const MachineSettings& settings_;
    const VmParts& parts_;
    std::vector<std::string> words_;
};

UniqueFd initramfs_of(const VmParts& parts, bool outbound) {
    if (parts.initramfs) return open_file(*parts.initramfs, O_RDONLY);
    return file_in_memory(make_initramfs(find_modules(parts.modules, module_names(outbound))));
}

void require_possible(const MachineSettings& settings, const VmParts& parts) {
    if (!parts.initramfs || !settings.outbound) return;
    throw Error(ErrorKind::unsupported, "--outbound does not go together with --runtime")
        .hint("the provider's program forwards packets for the runtime's init; leave --runtime out");
}

// What QEMU and the kernel write, read until there is nobody any more who could.
class Console {
  public:
    Console() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot create a pipe");
        read_ = UniqueFd(ends[0]);
        write_ = UniqueFd(ends[1]);
        reader_ = std::thread([this] { read(); });
    }
    ~Console() { reason(); }
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    int writer() const { return write_.get(); }
    void close_writer() { write_.reset(); }
    // Waits for the end.
    std::string reason() {
        close_writer();
        if (reader_.joinable()) reader_.join();
        return words_.reason();
    }

  private:
    void read() {
        std::array<char, 1 << 12> buffer;
        for (;;) {
            const ssize_t size = ::read(read_.get(), buffer.data(), buffer.size());
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return;
            words_.add({buffer.data(), static_cast<size_t>(size)});
        }
    }

    UniqueFd read_, write_;
    LastWords words_;
    std::thread reader_;
};

class VmMachine final : public Machine {
  public:
    VmMachine(const MachineSettings& settings, const VmParts& parts, std::stop_token stop) :
        settings_(settings),
        pair_(make_stream_pair()),
        initramfs_(initramfs_of(parts, settings.outbound)),
        qemu_(CommandLine(settings, parts).words(fmt::format("/proc/self/fd/{}", initramfs_.get()), pair_.theirs.get()),
              {pair_.theirs.get(), initramfs_.get()}, console_.writer()),
        guest_(std::move(pair_.ours), parts.initramfs ? Dialect::runtime : Dialect::own, std::move(stop)) {
        pair_.theirs.reset();
        console_.close_writer();
    }

    Guest& guest() override { return guest_; }

    void prepare() override {
        int number = 0;
        for (const auto& [path, directory] : settings_.volumes) {
            const int error_number = guest_.mount(fmt::format("mnt{}", number++), path);
            if (error_number == 0) continue;
            throw Error(ErrorKind::unsupported,
                        fmt::format("the VM cannot mount the volume {}: {}", quoted(path), ::strerror(error_number)))
                .hint("on the way to a volume there must be neither links nor files, nor parts such as \"..\"");
        }
    }

    std::string last_words() override { return console_.reason(); }

  private:
    MachineSettings settings_;
    StreamPair pair_;
    UniqueFd initramfs_;
    Console console_;
    Qemu qemu_;
    Guest guest_;
};

}  // namespace

std::unique_ptr<Machine> start_vm(const MachineSettings& settings, const VmParts& parts, std::stop_token stop) {
    require_possible(settings, parts);
    return std::make_unique<VmMachine>(settings, parts, std::move(stop));
}

}  // namespace gbuild::provider
