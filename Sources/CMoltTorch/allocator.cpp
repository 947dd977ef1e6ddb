// Large blocks of CPU memory are kept for the next tensor of their size.
//
// glibc takes a block above its highest mapping threshold (32 MiB) from the kernel and gives it back at once, so each
// step pays a page fault and a cleared page for every 4 KiB of every large tensor. A training step asks for the same
// sizes again and again; a block that is kept costs nothing the second time.
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

namespace molt {
namespace {

/// Free blocks by size. What is in use and what is kept together never exceed what was once in use at the same time, so
/// a process needs at most its heap's peak and its large tensors' peak, should these not have come together before.
class Pool {
  public:
    /// Throws what libtorch throws when the memory is not there.
    void *take(size_t bytes) {
        std::lock_guard lock(mutex_);
        if (auto found = free_.find(bytes); found != free_.end()) {
            void *block = found->second;
            free_.erase(found);
            kept_ -= bytes;
            return note(block, bytes);
        }
        while (!free_.empty() && used_ + bytes + kept_ > highest_) drop(std::prev(free_.end()));
        return note(c10::alloc_cpu(bytes), bytes);
    }

    /// False when the block is none of the pool's.
    bool giveBack(void *block) {
        std::lock_guard lock(mutex_);
        auto found = inUse_.find(block);
        if (found == inUse_.end()) return false;
        free_.emplace(found->second, block);
        kept_ += found->second;
        used_ -= found->second;
        inUse_.erase(found);
        return true;
    }

  private:
    void *note(void *block, size_t bytes) {
        inUse_[block] = bytes;
        used_ += bytes;
        highest_ = std::max(highest_, used_);
        return block;
    }

    void drop(std::multimap<size_t, void *>::iterator block) {
        c10::free_cpu(block->second);
        kept_ -= block->first;
        free_.erase(block);
    }

    std::mutex mutex_;
    std::multimap<size_t, void *> free_;
    std::unordered_map<void *, size_t> inUse_;
    size_t used_ = 0, kept_ = 0, highest_ = 0;
};

/// Never destroyed: tensors in static storage may outlive every other static.
Pool &pool() {
    static Pool *it = new Pool;
    return *it;
}

void giveBack(void *block) {
    if (!pool().giveBack(block)) c10::GetDefaultCPUAllocator()->raw_deallocate(block);
}

class LargeBlocks final : public c10::Allocator {
  public:
    c10::DataPtr allocate(size_t bytes) override {
        if (bytes <= largestOfTheHeap) return c10::GetDefaultCPUAllocator()->allocate(bytes);
        void *block = pool().take(bytes);
        return {block, block, &giveBack, c10::Device(c10::DeviceType::CPU)};
    }

    /// Also for small blocks: oneDNN's scratch memory comes and goes by it.
    c10::DeleterFnPtr raw_deleter() const override { return &giveBack; }

    void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  private:
    /// glibc's DEFAULT_MMAP_THRESHOLD_MAX on 64-bit machines.
    static constexpr size_t largestOfTheHeap = size_t(32) << 20;
};

/// libtorch's own allocator has priority 0; this one is set while the library is loaded, before any thread allocates.
const bool isSet = [] {
    c10::SetCPUAllocator(new LargeBlocks, /*priority=*/1);
    return true;
}();

}  // namespace
}  // namespace molt
