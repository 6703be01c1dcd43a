#include "gbuild/bases/layers.h"

#include <algorithm>
#include <exception>
#include <semaphore>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/reporting_sink.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/layer/tar_stream.h"
#include "gbuild/pack/pack_store.h"
#include "gbuild/registry/retry.h"

namespace gbuild::build {

namespace {

// Layers pulled at a time, as docker and containerd do; each holds a connection and a partial file.
constexpr size_t parallel_layers = 4;
// One pack keeps about this many compressing threads busy before reading its tar becomes the bottleneck.
constexpr unsigned threads_a_pack = 5;

struct Task {
    const BaseImage* image;
    oci::Descriptor descriptor;
    Digest diff_id;
    int transfer;  // id of its transfer events
};

// A download in its own thread, into a partial blob that the packing thread follows. Called off by the destructor.
class Download {
  public:
    Download(const Task& task, const Environment& env, std::stop_token stop) :
        partial_(env.store.partial_blob(task.descriptor.digest, task.descriptor.size, stop)),
        resumed_(partial_->received() > 0),
        thread_([this, &task, &env, stop](std::stop_token own) { run(task, env, stop, own); }) {}

    bool resumed() const { return resumed_; }
    std::unique_ptr<ByteSource> reader() { return partial_->reader(); }
    // Waits for its end; throws what it failed with, each time.
    void finish() {
        if (thread_.joinable()) thread_.join();
        if (error_) std::rethrow_exception(error_);
    }
    // After finish(): no later run is to go on from what is there.
    void discard() { partial_->discard(); }

  private:
    void run(const Task& task, const Environment& env, std::stop_token stop, std::stop_token own) {
        std::stop_source either;
        std::stop_callback outer(stop, [&] { either.request_stop(); });
        std::stop_callback inner(own, [&] { either.request_stop(); });
        try {
            ReportingSink sink(*partial_, task.transfer, env.events);
            task.image->source->fetch_blob(task.descriptor, sink, either.get_token());
            partial_->finish();
        } catch (...) {
            error_ = std::current_exception();
            partial_->fail(error_);
        }
    }

    std::unique_ptr<store::PartialBlob> partial_;
    bool resumed_;
    std::exception_ptr error_;
    std::jthread thread_;  // last: joined before what it uses goes
};

// Holds one place of a semaphore.
class Place {
  public:
    explicit Place(std::counting_semaphore<>& gate) : gate_(gate) { gate_.acquire(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { gate_.release(); }

  private:
    std::counting_semaphore<>& gate_;
};

class LayerRun {
  public:
    LayerRun(const Environment& env, StandIn* stand_in, const LayerArrival& arrived) :
        env_(env),
        stand_in_(stand_in),
        arrived_(arrived),
        packs_at_once_(std::max(1u, env.jobs / threads_a_pack)),
        packing_(packs_at_once_),
        outer_stop_(env.stop, [this] { stop_.request_stop(); }) {}

    LayerPacks run(std::vector<Task> tasks) {
        tasks_ = std::move(tasks);
        {
            std::vector<std::jthread> workers;
            size_t count = std::min(parallel_layers, tasks_.size());
            try {
                for (size_t i = 0; i < count; i++) workers.emplace_back([this] { work(); });
            } catch (...) {
                fail();
            }
        }
        auto state = state_.lock();
        if (state->error) std::rethrow_exception(state->error);
        return std::move(state->packs);
    }

  private:
    struct State {
        size_t next = 0;
        LayerPacks packs;
        std::exception_ptr error;
    };

    void work() {
        for (;;) {
            const Task* task;
            {
                auto state = state_.lock();
                if (state->error || state->next == tasks_.size()) return;
                task = &tasks_[state->next++];
            }
            try {
                auto pack = with_context([&] { return fmt::format("pulling {}", task->image->name); },
                                         [&] { return obtain(*task); });
                if (arrived_) arrived_(task->diff_id, pack);
                state_.lock()->packs.emplace(task->diff_id, std::move(pack));
            } catch (...) {
                fail();
            }
        }
    }

    // Calls off the rest because of the exception that is being handled.
    void fail() {
        auto state = state_.lock();
        if (!state->error) state->error = std::current_exception();
        stop_.request_stop();
    }

    std::shared_ptr<const pack::Pack> obtain(const Task& task) {
        std::string key = pack_key(task.diff_id, env_.packing);
        std::string label = task.descriptor.digest.text().substr(0, 19);
        env_.events.emit(TransferStarted{task.transfer, task.image->step, label, "pulling", task.descriptor.size});
        // By blob, not by pack: two builds with other packing options would download into the same partial file.
        auto waiting = [&] {
            env_.events.emit(Notice{fmt::format("waiting for another gbuild that is pulling {}", label)});
        };
        FileLock lock = env_.store.lock("blob " + task.descriptor.digest.text(), waiting, stop_.get_token());
        if (auto pack = open_stored_pack(env_.store, key, task.diff_id, env_.packing)) {
            env_.events.emit(TransferFinished{task.transfer, true});
            return pack;
        }
        auto pack = task.image->is_from_cache ? stand_in(task) : nullptr;
        if (!pack) pack = pull_or_stand_in(task, key);
        env_.events.emit(TransferFinished{task.transfer, false});
        return pack;
    }

    std::shared_ptr<const pack::Pack> pull_or_stand_in(const Task& task, const std::string& key) {
        try {
            return pull(task, key);
        } catch (const registry::NoAnswer&) {
            if (auto pack = stand_in(task)) return pack;
            throw;
        }
    }

    // No pack tells which layer it is of, so that what a cache has of one can only be believed.
    std::shared_ptr<const pack::Pack> stand_in(const Task& task) {
        if (!stand_in_ || task.image->needs_registry) return nullptr;
        return stand_in_->layer_stand_in(task.diff_id, task.image->name);
    }

    std::shared_ptr<const pack::Pack> pull(const Task& task, const std::string& key) {
        if (auto pack = pack_blob(task, key)) return pack;
        if (!task.image->may_pull) {
            throw Error(ErrorKind::not_found, fmt::format("{} is not in the store", label_of(task)))
                .hint("build without --pull=never, so that it is pulled");
        }
        if (auto pack = fetch(task, key, Chance::first)) return pack;
        return fetch(task, key, Chance::last);
    }

    // Packs the blob that an earlier run left; nullptr when there is none, or a damaged one, which is removed.
    std::shared_ptr<const pack::Pack> pack_blob(const Task& task, const std::string& key) {
        auto blob = open_blob(task);
        if (!blob) return nullptr;
        try {
            return pack_stream(std::move(blob), task, key, [] {});
        } catch (const Error& error) {
            const ErrorKind kind = error.kind();
            if (kind == ErrorKind::no_space || kind == ErrorKind::interrupted || kind == ErrorKind::permission) throw;
            // What cannot be packed because it is like that in its registry is no better the next time.
            if (is_whole(task)) throw;
            env_.events.emit(Notice{fmt::format("{} is damaged in the store and left out of account", label_of(task))});
        }
        env_.store.remove_blob(task.descriptor.digest);
        return nullptr;
    }

    // Null when the store has no blob of the right size.
    std::unique_ptr<ByteSource> open_blob(const Task& task) const {
        const oci::Descriptor& descriptor = task.descriptor;
        auto fd = env_.store.open_blob(descriptor.digest, descriptor.size);
        if (!fd) return nullptr;
        return std::make_unique<VerifyingSource>(std::make_unique<FileSource>(std::move(*fd)), descriptor.digest,
                                                 descriptor.size, label_of(task));
    }

    bool is_whole(const Task& task) const {
        try {
            auto blob = open_blob(task);
            while (blob && !blob->next().empty()) continue;
            return blob != nullptr;
        } catch (const Error&) {
            return false;
        }
    }

    enum class Chance { first, last };

    // Downloads and packs; nullptr when that failed for what may be the fault of an earlier run's bytes, which are gone
    // then, and this was not the last chance.
    std::shared_ptr<const pack::Pack> fetch(const Task& task, const std::string& key, Chance chance) {
        Download download(task, env_, stop_.get_token());
        try {
            return pack_stream(download.reader(), task, key, [&] { download.finish(); });
        } catch (const Error& error) {
            if (!may_be_damage(error.kind())) throw;
            // Only the digest tells whether these are the bytes that the registry has: so let them arrive.
            env_.events.emit(Notice{fmt::format("{}; the rest is awaited to tell whether {} arrived damaged",
                                                error.message(), label_of(task))});
            try {
                download.finish();
            } catch (const Error& cause) {
                if (cause.kind() == ErrorKind::interrupted) throw;
                download.discard();
                if (!download.resumed() || chance == Chance::last) throw;
                env_.events.emit(Notice{fmt::format("{}; starting {} again", cause.message(), label_of(task))});
                return nullptr;
            }
            // They are; but a download that had to start over leaves its reader behind.
            if (auto pack = pack_blob(task, key)) return pack;
            throw;
        }
    }

    // What wrong bytes are taken for.
    static bool may_be_damage(ErrorKind kind) {
        return kind == ErrorKind::integrity || kind == ErrorKind::limit || kind == ErrorKind::unsupported;
    }

    // Packs a layer's compressed bytes; `verified` returns once they are known to be right, or throws.
    template <class Verified>
    std::shared_ptr<const pack::Pack> pack_stream(std::unique_ptr<ByteSource> bytes, const Task& task,
                                                  const std::string& key, Verified&& verified) {
        layer::TarOptions tar{layer::Whiteouts::interpret, label_of(task), task.diff_id};
        AtomicFile file = env_.store.new_pack(key);
        {
            auto entries = layer::read_tar(layer::decompress(std::move(bytes), label_of(task)), std::move(tar));
            pack::WritePackJob write{
                env_.packing, task.diff_id, std::max(1u, env_.jobs / packs_at_once_), {}, stop_.get_token()};
            Place place(packing_);
            env_.store.writing([&] { pack::write_pack(*entries, write, file.fd()); });
        }
        verified();
        auto pack = commit_pack(env_.store, file, env_.packing);
        env_.store.remove_blob(task.descriptor.digest);
        return pack;
    }

    static std::string label_of(const Task& task) { return "layer " + task.descriptor.digest.text().substr(0, 19); }

    const Environment& env_;
    StandIn* stand_in_;
    const LayerArrival& arrived_;
    unsigned packs_at_once_;
    std::counting_semaphore<> packing_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    std::vector<Task> tasks_;
    Synchronized<State> state_;
};

}  // namespace

LayerPacks obtain_layers(const std::vector<const BaseImage*>& images, const Environment& env, StandIn* stand_in,
                         const LayerArrival& arrived, int first_transfer) {
    std::vector<Task> tasks;
    std::map<Digest, bool> known;
    for (const BaseImage* image : images) {
        const auto& layers = image->resolved.manifest.layers;
        for (size_t i = 0; i < layers.size(); i++) {
            const Digest& diff_id = image->config.diff_ids[i];
            if (!known.emplace(diff_id, true).second) continue;
            tasks.push_back({image, layers[i], diff_id, first_transfer + static_cast<int>(tasks.size())});
        }
    }
    return LayerRun(env, stand_in, arrived).run(std::move(tasks));
}

}  // namespace gbuild::build
