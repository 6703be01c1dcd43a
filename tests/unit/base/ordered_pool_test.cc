#include "gbuild/base/ordered_pool.h"

#include <atomic>
#include <stdexcept>

#include "support/catch.h"

using namespace gbuild;

namespace {

struct Job {
    int number = 0;
    int result = 0;
};
struct Worker {};

// Squares 0 … count-1 and returns the results in the order consumed. `fail_*` is the number at which that stage throws.
struct Squares {
    int count = 1000;
    int fail_produce = -1, fail_work = -1, fail_consume = -1;

    std::vector<int> run(unsigned threads, size_t slots) const {
        std::vector<int> results;
        OrderedPool<Job, Worker> pool(
            threads, slots, [] { return std::make_unique<Worker>(); },
            [this](Job& job, Worker&) {
                if (job.number == fail_work) throw std::runtime_error("work");
                job.result = job.number * job.number;
            },
            [this, &results](Job& job) {
                if (job.number == fail_consume) throw std::runtime_error("consume");
                results.push_back(job.result);
            });
        int next = 0;
        pool.run([&](Job& job) {
            if (next == fail_produce) throw std::runtime_error("produce");
            job.number = next;
            return next++ < count;
        });
        return results;
    }
};

}  // namespace

TEST_CASE("a pool that cannot be had whole leaves no thread behind (X-12)") {
    std::atomic<int> workers = 0, calls = 0;
    const auto make_worker = [&] {
        if (++calls == 3) throw std::runtime_error("no more");
        return std::make_unique<Worker>();
    };
    using Pool = OrderedPool<Job, Worker>;
    CHECK_THROWS_WITH(Pool(
                          8, 4, make_worker, [&](Job&, Worker&) { workers++; }, [](Job&) {}),
                      "no more");
    CHECK(workers == 0);
}

TEST_CASE("results come in order for any number of threads and slots") {
    for (unsigned threads : {1u, 2u, 4u, 9u}) {
        for (size_t slots : {size_t{1}, size_t{3}, size_t{32}}) {
            auto results = Squares().run(threads, slots);
            REQUIRE(results.size() == 1000);
            for (int i = 0; i < 1000; i++) REQUIRE(results[static_cast<size_t>(i)] == i * i);
        }
    }
}

TEST_CASE("an empty run ends") { CHECK(Squares{0}.run(4, 8).empty()); }

TEST_CASE("the first exception of any stage comes out of run") {
    for (unsigned threads : {1u, 4u}) {
        Squares produce, work, consume;
        produce.fail_produce = work.fail_work = consume.fail_consume = 500;
        REQUIRE_THROWS_WITH(produce.run(threads, 8), "produce");
        REQUIRE_THROWS_WITH(work.run(threads, 8), "work");
        REQUIRE_THROWS_WITH(consume.run(threads, 8), "consume");
    }
}
