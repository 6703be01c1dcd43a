#include "layers.h"

#include <algorithm>
#include <exception>
#include <semaphore>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/synchronized.h"
#include "gbuild/layer/tar_stream.h"
#include "reporting_sink.h"

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

// A download in its own thread, into a partial blob that the packing thread follows.
class Download {
  public:
    Download(const Task& task, const LayerJob& job, std::stop_token stop) :
        partial_(job.store.partial_blob(task.descriptor.digest, task.descriptor.size)),
        resumed_(partial_->received() > 0),
        thread_([this, &task, &job, stop](std::stop_token own) { run(task, job, stop, own); }) {}

    bool resumed() const { return resumed_; }
    std::unique_ptr<ByteSource> reader() { return partial_->reader(); }
    // Waits for its end; throws what it failed with.
    void finish() {
        if (thread_.joinable()) thread_.join();
        if (error_) std::rethrow_exception(error_);
    }
    void cancel() { thread_.request_stop(); }

  private:
    void run(const Task& task, const LayerJob& job, std::stop_token stop, std::stop_token own) {
        std::stop_source either;
        std::stop_callback outer(stop, [&] { either.request_stop(); });
        std::stop_callback inner(own, [&] { either.request_stop(); });
        try {
            ReportingSink sink(*partial_, task.transfer, job.events);
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
    explicit LayerRun(const LayerJob& job) :
        job_(job),
        packs_at_once_(std::max(1u, job.jobs / threads_a_pack)),
        packing_(packs_at_once_),
        outer_stop_(job.stop, [this] { stop_.request_stop(); }) {}

    LayerPacks run(std::vector<Task> tasks) {
        tasks_ = std::move(tasks);
        {
            std::vector<std::jthread> workers;
            size_t count = std::min(parallel_layers, tasks_.size());
            for (size_t i = 0; i < count; i++) workers.emplace_back([this] { work(); });
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
                state_.lock()->packs.emplace(task->diff_id, std::move(pack));
            } catch (...) {
                auto state = state_.lock();
                if (!state->error) state->error = std::current_exception();
                stop_.request_stop();
            }
        }
    }

    std::shared_ptr<const pack::Pack> obtain(const Task& task) {
        std::string key = pack_key(task.diff_id, job_.packing);
        std::string label = task.descriptor.digest.text().substr(0, 19);
        job_.events.emit(TransferStarted{task.transfer, 0, label, "pulling", task.descriptor.size});
        // By blob, not by pack: two builds with other packing options would download into the same partial file.
        auto waiting = [&] {
            job_.events.emit(Notice{fmt::format("waiting for another gbuild that is pulling {}", label)});
        };
        FileLock lock = job_.store.lock("blob " + task.descriptor.digest.text(), waiting, stop_.get_token());
        if (auto pack = open_stored_pack(job_.store, key, job_.packing)) {
            job_.events.emit(TransferFinished{task.transfer, true});
            return pack;
        }
        if (!job_.may_pull && !job_.store.open_blob(task.descriptor.digest)) {
            throw Error(ErrorKind::not_found, fmt::format("layer {} is not in the store", label))
                .hint("build without --pull=never, so that it is pulled");
        }
        auto pack = pull(task, key);
        job_.events.emit(TransferFinished{task.transfer, false});
        return pack;
    }

    std::shared_ptr<const pack::Pack> pull(const Task& task, const std::string& key) {
        if (auto blob = job_.store.open_blob(task.descriptor.digest)) {
            auto source =
                std::make_unique<VerifyingSource>(std::make_unique<FileSource>(std::move(*blob)),
                                                  task.descriptor.digest, task.descriptor.size, label_of(task));
            return pack_stream(std::move(source), task, key, [] {});
        }
        auto download = std::make_unique<Download>(task, job_, stop_.get_token());
        bool resumed = download->resumed();
        try {
            return pack_download(*download, task, key);
        } catch (const Error& error) {
            // What an earlier run left may be the bad part; without it the download gets one more chance.
            if (error.kind() != ErrorKind::integrity || !resumed) throw;
            job_.events.emit(Notice{fmt::format("{}; starting {} again", error.message(), label_of(task))});
        }
        download.reset();
        download = std::make_unique<Download>(task, job_, stop_.get_token());
        return pack_download(*download, task, key);
    }

    std::shared_ptr<const pack::Pack> pack_download(Download& download, const Task& task, const std::string& key) {
        try {
            return pack_stream(download.reader(), task, key, [&] { download.finish(); });
        } catch (const Error& error) {
            // Damaged contents are the registry's fault when the blob's digest is wrong, and only then: so let it
            // arrive.
            if (error.kind() != ErrorKind::integrity) download.cancel();
            try {
                download.finish();
            } catch (const Error& cause) {
                if (cause.kind() != ErrorKind::interrupted) throw;
            }
            throw;
        }
    }

    // Packs a layer's compressed bytes; `verified` returns once they are known to be right, or throws.
    template <class Verified>
    std::shared_ptr<const pack::Pack> pack_stream(std::unique_ptr<ByteSource> bytes, const Task& task,
                                                  const std::string& key, Verified&& verified) {
        layer::TarOptions tar{layer::Whiteouts::interpret, label_of(task), task.diff_id};
        AtomicFile file = job_.store.new_pack(key);
        {
            auto entries = layer::read_tar(layer::decompress(std::move(bytes), label_of(task)), std::move(tar));
            pack::WritePackJob write{job_.packing, std::max(1u, job_.jobs / packs_at_once_), {}, stop_.get_token()};
            Place place(packing_);
            job_.store.writing([&] { pack::write_pack(*entries, write, file.fd()); });
        }
        verified();
        auto pack = commit_pack(job_.store, file, job_.packing);
        job_.store.remove_blob(task.descriptor.digest);
        return pack;
    }

    static std::string label_of(const Task& task) { return "layer " + task.descriptor.digest.text().substr(0, 19); }

    const LayerJob& job_;
    unsigned packs_at_once_;
    std::counting_semaphore<> packing_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    std::vector<Task> tasks_;
    Synchronized<State> state_;
};

}  // namespace

std::string pack_key(const Digest& layer, const pack::PackOptions& packing) {
    return layer.text() + " " + packing.key();
}

std::shared_ptr<const pack::Pack> open_stored_pack(const store::Store& store, const std::string& key,
                                                   const pack::PackOptions& packing) {
    auto fd = store.open_pack(key);
    if (!fd) return nullptr;
    try {
        return pack::Pack::open(std::move(*fd), packing);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity) throw;
        store.remove_pack(key);
        return nullptr;
    }
}

std::shared_ptr<const pack::Pack> commit_pack(const store::Store& store, AtomicFile& file,
                                              const pack::PackOptions& packing) {
    return store.writing([&] {
        auto pack = pack::Pack::open(duplicate(file.fd()), packing);
        file.commit();
        return pack;
    });
}

LayerPacks obtain_layers(const std::vector<const BaseImage*>& images, const LayerJob& job) {
    std::vector<Task> tasks;
    std::map<Digest, bool> known;
    for (const BaseImage* image : images) {
        const auto& layers = image->resolved.manifest.layers;
        for (size_t i = 0; i < layers.size(); i++) {
            const Digest& diff_id = image->config.diff_ids[i];
            if (!known.emplace(diff_id, true).second) continue;
            tasks.push_back({image, layers[i], diff_id, static_cast<int>(tasks.size()) + 1});
        }
    }
    return LayerRun(job).run(std::move(tasks));
}

}  // namespace gbuild::build
