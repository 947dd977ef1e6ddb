// Rendezvous and collectives over c10d: Gloo on CPUs, NCCL on GPUs where the libtorch has it.
#include "guard.hpp"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <chrono>
#include <string_view>
#include <vector>

using molt::guarded;
using std::chrono::milliseconds;

struct mt_store_s {
    c10::intrusive_ptr<c10d::Store> value;
};

struct mt_group_s {
    c10::intrusive_ptr<c10d::Backend> value;
};

struct mt_work_s {
    c10::intrusive_ptr<c10d::Work> value;
    // Collectives write into these; they live until the work is freed.
    std::vector<at::Tensor> tensors;
};

namespace {

/// Whatever a collective throws is trouble with the other ranks, whichever type libtorch chose for it.
template <typename Body>
mt_status communicating(Body &&body) {
    const mt_status status = guarded(body);
    return status == MT_ERROR ? MT_COMMUNICATION : status;
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

c10::intrusive_ptr<c10d::Backend> make_gloo(
    const c10::intrusive_ptr<c10d::Store> &store, const char *interface, int rank, int size, milliseconds timeout) {
    auto options = c10d::ProcessGroupGloo::Options::create(timeout);
    if (interface == nullptr || *interface == 0) {
        options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    } else if (is_loopback(interface)) {
        options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(interface));
    } else {
        options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface));
    }
    return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
}

c10::intrusive_ptr<c10d::Backend> make_nccl(
    const c10::intrusive_ptr<c10d::Store> &store, int rank, int size, milliseconds timeout) {
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
#else
    TORCH_CHECK(false, "this libmolt_torch.so was built without NCCL: rebuild it against a CUDA build of libtorch");
#endif
}

c10d::ReduceOp reduction_of(mt_reduction reduction) {
    switch (reduction) {
    case MT_SUM:
        return c10d::ReduceOp::SUM;
    case MT_MAX:
        return c10d::ReduceOp::MAX;
    case MT_MIN:
        return c10d::ReduceOp::MIN;
    }
    TORCH_CHECK(false, "unknown reduction ", static_cast<int>(reduction));
}

std::vector<at::Tensor> list_of(const mt_tensor *tensors, size_t count) {
    std::vector<at::Tensor> list;
    for (size_t i = 0; i < count; i++) {
        list.push_back(tensors[i]->value);
    }
    return list;
}

}  // namespace

extern "C" {

bool mt_has_nccl(void) {
#ifdef USE_C10D_NCCL
    return true;
#else
    return false;
#endif
}

mt_status mt_store_connect(
    const char *host, uint16_t port, int32_t rank, int32_t size, int64_t timeout_ms, mt_store *out) {
    return communicating([&] {
        c10d::TCPStoreOptions options;
        options.port = port;
        options.isServer = rank == 0;
        options.numWorkers = static_cast<size_t>(size);
        options.timeout = milliseconds(timeout_ms);
        *out = new mt_store_s{c10::make_intrusive<c10d::TCPStore>(host, options)};
    });
}

void mt_store_free(mt_store store) {
    delete store;
}

mt_status mt_group_create(
    mt_store store, const char *prefix, const char *backend, const char *interface, int32_t rank, int32_t size,
    int64_t timeout_ms, mt_group *out) {
    return communicating([&] {
        const std::string_view kind = backend;
        TORCH_CHECK(kind == "gloo" || kind == "nccl", "the backends are gloo and nccl, not ", kind);
        auto scoped = c10::make_intrusive<c10d::PrefixStore>(prefix, store->value);
        const milliseconds timeout(timeout_ms);
        *out = kind == "gloo" ? new mt_group_s{make_gloo(scoped, interface, rank, size, timeout)}
                              : new mt_group_s{make_nccl(scoped, rank, size, timeout)};
    });
}

mt_status mt_all_reduce(mt_group group, mt_tensor tensor, mt_reduction reduction, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> tensors{tensor->value};
        c10d::AllreduceOptions options;
        options.reduceOp = reduction_of(reduction);
        *out = new mt_work_s{group->value->allreduce(tensors, options), tensors};
    });
}

mt_status mt_broadcast(mt_group group, mt_tensor tensor, int32_t root, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> tensors{tensor->value};
        c10d::BroadcastOptions options;
        options.rootRank = root;
        *out = new mt_work_s{group->value->broadcast(tensors, options), tensors};
    });
}

mt_status mt_all_gather(mt_group group, mt_tensor input, const mt_tensor *outputs, size_t count, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> inputs{input->value};
        std::vector<std::vector<at::Tensor>> lists{list_of(outputs, count)};
        *out = new mt_work_s{group->value->allgather(lists, inputs), lists[0]};
    });
}

mt_status mt_reduce_scatter(
    mt_group group, const mt_tensor *inputs, size_t count, mt_tensor output, mt_reduction reduction, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> outputs{output->value};
        std::vector<std::vector<at::Tensor>> lists{list_of(inputs, count)};
        c10d::ReduceScatterOptions options;
        options.reduceOp = reduction_of(reduction);
        *out = new mt_work_s{group->value->reduce_scatter(outputs, lists, options), lists[0]};
    });
}

mt_status mt_send(mt_group group, mt_tensor tensor, int32_t to, int32_t tag, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> tensors{tensor->value};
        *out = new mt_work_s{group->value->send(tensors, to, tag), tensors};
    });
}

mt_status mt_receive(mt_group group, mt_tensor tensor, int32_t from, int32_t tag, mt_work *out) {
    return communicating([&] {
        std::vector<at::Tensor> tensors{tensor->value};
        *out = new mt_work_s{group->value->recv(tensors, from, tag), tensors};
    });
}

mt_status mt_barrier(mt_group group, mt_work *out) {
    return communicating([&] { *out = new mt_work_s{group->value->barrier(), {}}; });
}

mt_status mt_work_wait(mt_work work, int64_t timeout_ms) {
    return communicating([&] {
        const bool done = work->value->wait(timeout_ms < 0 ? kNoTimeout : milliseconds(timeout_ms));
        TORCH_CHECK(done, "a collective did not complete");
    });
}

void mt_work_free(mt_work work) {
    delete work;
}

void mt_group_free(mt_group group) {
    guarded([&] { delete group; });
}

}  // extern "C"
