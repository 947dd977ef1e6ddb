#include "guard.hpp"

namespace molt {

std::atomic<int64_t> live_tensors{0};

namespace {
thread_local std::string last_message;
}

mt_status failed(mt_status status, const char *message) noexcept {
    try {
        last_message = message;
    } catch (...) {
        last_message.clear();
    }
    return status;
}

mt_status failed_by_current_exception() noexcept {
    try {
        throw;
    } catch (const c10::OutOfMemoryError &error) {
        return failed(MT_OUT_OF_MEMORY, error.what_without_backtrace());
    } catch (const c10::DistError &error) {
        return failed(MT_COMMUNICATION, error.what_without_backtrace());
    } catch (const c10::Error &error) {
        return failed(MT_ERROR, error.what_without_backtrace());
    } catch (const std::bad_alloc &) {
        return failed(MT_OUT_OF_MEMORY, "the host is out of memory");
    } catch (const std::exception &error) {
        return failed(MT_ERROR, error.what());
    } catch (...) {
        return failed(MT_ERROR, "an exception of a foreign type was thrown");
    }
}

}  // namespace molt

extern "C" const char *mt_error_message(void) {
    return molt::last_message.c_str();
}
